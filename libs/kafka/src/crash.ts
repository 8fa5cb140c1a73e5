import type { Consumer } from 'kafkajs';

/**
 * kafkajs gives up for good on errors that it deems fatal. A consumer that has stopped in silence is
 * worse than a process that has ended: the error is thrown where nobody catches it, the process ends
 * and its supervisor starts a fresh one, which goes on from the stored offsets.
 */
export function endProcessOnCrash(consumer: Consumer): void {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (payload.restart) return;
    setImmediate(() => {
      throw payload.error;
    });
  });
}
