import type { Kafka } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { Producer } from './producer.js';

/** A Kafka whose producers are counted and whose sends end as the test says. */
function setUp() {
  const log: string[] = [];
  let made = 0;
  const ends: ((end?: Error | { baseOffset: string }) => void)[] = [];
  const kafka = {
    producer: () => {
      const id = ++made;
      return {
        connect: async () => void log.push(`connect ${id}`),
        disconnect: async () => void log.push(`disconnect ${id}`),
        sendBatch: () => {
          log.push(`send ${id}`);
          return new Promise((resolve, reject) => {
            ends.push((end) => {
              if (end instanceof Error) reject(end);
              else resolve(end === undefined ? [] : [{ topicName: 't', partition: 0, ...end }]);
            });
          });
        },
      };
    },
  } as unknown as Kafka;
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const end = async (how?: Error | { baseOffset: string }) => {
    await settled();
    ends.shift()?.(how);
    await settled();
  };
  return { producer: new Producer(kafka), log, end };
}

const record = { topic: 't', partition: 0, key: null, value: Buffer.alloc(1) };

describe('Producer', () => {
  it('sends one after another', async () => {
    const { producer, log, end } = setUp();
    const sends = [producer.send([record]), producer.send([record])];
    await end();
    expect(log).toEqual(['send 1', 'send 1']);
    await end();
    await Promise.all(sends);
  });

  it('never reuses the sequence numbers of a failed send: another producer takes over', async () => {
    const { producer, log, end } = setUp();
    const first = producer.send([record]);
    const second = producer.send([record]);
    const failed = expect(first).rejects.toThrow('timeout');
    await end(new Error('timeout'));
    await failed;
    await end();
    await second;
    expect(log).toEqual(['send 1', 'connect 2', 'disconnect 1', 'send 2']);
  });

  it('rejects what was given an offset that was taken before: the log has lost its end', async () => {
    const { producer, end } = setUp();
    const send = async (baseOffset: string) => {
      const sent = producer.send([record]).catch((error: Error) => error);
      await end({ baseOffset });
      return sent;
    };
    expect(await send('7')).toEqual([{ topic: 't', partition: 0, offset: 7n }]);
    expect(await send('3')).toMatchObject({ name: 'LogRewoundError' });
    expect(await send('7')).toMatchObject({ message: expect.stringMatching(/offset 7 after 7/) });
    expect(await send('8')).toEqual([{ topic: 't', partition: 0, offset: 8n }]);
  });
});
