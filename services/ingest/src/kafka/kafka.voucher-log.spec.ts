import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { decodeLogRecord, encodeLogRecord, type LogEntry } from '#libs/contracts';
import type { OutRecord, Producer, Written } from '#libs/kafka';
import { FakeClock } from '#libs/testing';
import { KafkaVoucherLog } from './kafka.voucher-log.js';

const ENTRY: LogEntry = {
  kind: 'tick',
  channelNo: 7n,
  cumulativeUnits: 30n,
  detail: 3n,
  proof: Buffer.alloc(32, 1),
};

function setUp() {
  const sent: OutRecord[] = [];
  const producer = {
    failure: undefined as Error | undefined,
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    send: (records: readonly OutRecord[]): Promise<Written[]> => {
      if (producer.failure !== undefined) return Promise.reject(producer.failure);
      sent.push(...records);
      const offsets = records.map(({ topic, partition = -1 }) => ({
        topic,
        partition,
        offset: 4n,
      }));
      return Promise.resolve(offsets);
    },
  };
  const clock = new FakeClock();
  const log = new KafkaVoucherLog(
    producer as unknown as Producer,
    clock,
    pino({ level: 'silent' }),
  );
  return { producer, clock, log, sent };
}

describe('KafkaVoucherLog', () => {
  it('writes a record per partition and tells their offsets', async () => {
    const { log, sent } = setUp();
    await log.connect();
    const offsets = await log.append(
      new Map([
        [2, encodeLogRecord([ENTRY])],
        [5, encodeLogRecord([ENTRY, ENTRY])],
      ]),
    );
    expect(offsets).toEqual(
      new Map([
        [2, 4n],
        [5, 4n],
      ]),
    );
    expect(sent.map(({ partition, value }) => [partition, decodeLogRecord(value).length])).toEqual([
      [2, 1],
      [5, 2],
    ]);
  });

  it('writes nothing and is not ready before it is connected', async () => {
    const { log } = setUp();
    expect(() => log.assertWritable()).toThrow('not connected');
    await expect(log.append(new Map([[2, encodeLogRecord([ENTRY])]]))).rejects.toThrow(
      'not connected',
    );
  });

  it('is not ready for five seconds after a failed write', async () => {
    const { log, producer, clock } = setUp();
    await log.connect();
    producer.failure = new Error('no leader');
    await expect(log.append(new Map([[2, encodeLogRecord([ENTRY])]]))).rejects.toThrow('no leader');
    expect(() => log.assertWritable()).toThrow('cannot be written: no leader');
    clock.advanceMs(5_000n);
    expect(() => log.assertWritable()).not.toThrow();
  });
});
