import { Cron } from '@nestjs/schedule';

/**
 * A provider class whose method Nest's scheduler calls by `expression`. Made at run time because the
 * expression is configuration, which a decorator written in the source could not see.
 */
export function scheduleOf(expression: string, task: () => Promise<void>) {
  class SettlementSchedule {
    run(): Promise<void> {
      return task();
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(SettlementSchedule.prototype, 'run');
  if (descriptor === undefined) throw new Error('the schedule has no method');
  Cron(expression, { name: 'settlement', waitForCompletion: true, timeZone: 'UTC' })(
    SettlementSchedule.prototype,
    'run',
    descriptor,
  );
  return SettlementSchedule;
}
