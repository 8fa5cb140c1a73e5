import type { Kafka } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { Producer } from './producer.js';

/** A Kafka whose producers are counted and whose sends end as the test says. */
function setUp() {
  const log: string[] = [];
  let made = 0;
  const ends: ((error?: Error) => void)[] = [];
  const kafka = {
    producer: () => {
      const id = ++made;
      return {
        connect: async () => void log.push(`connect ${id}`),
        disconnect: async () => void log.push(`disconnect ${id}`),
        sendBatch: () => {
          log.push(`send ${id}`);
          return new Promise((resolve, reject) => {
            ends.push((error) => (error === undefined ? resolve([]) : reject(error)));
          });
        },
      };
    },
  } as unknown as Kafka;
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const end = async (error?: Error) => {
    await settled();
    ends.shift()?.(error);
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
});
