import type { EachBatchPayload, Kafka } from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { TopicReader } from './topic-reader.js';

/** A Kafka of one partition that holds offsets `low` to `high`, and hands over what the test says. */
async function setUp({ low = 0, high = 0, fromBeginning = false } = {}) {
  const seen: string[] = [];
  const seeks: string[] = [];
  let stale = false;
  let join = () => {};
  let run: { eachBatch(payload: EachBatchPayload): Promise<void> } | undefined;
  const consumer = {
    events: { CRASH: 'crash', GROUP_JOIN: 'join' },
    on: (event: string, listener: () => void) => {
      if (event === 'join') join = listener;
    },
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async (options: typeof run) => {
      run = options;
    },
    seek: ({ offset }: { offset: string }) => {
      seeks.push(offset);
      stale = true;
    },
  };
  const admin = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    fetchTopicOffsets: async () => [{ partition: 0, low: String(low), high: String(high) }],
  };
  const kafka = { consumer: () => consumer, admin: () => admin } as unknown as Kafka;
  const reader = new TopicReader({
    kafka,
    topic: 't',
    logger: pino({ level: 'silent' }),
    fromBeginning,
    onRecord: (_partition, { offset }) => seen.push(String(offset)),
    onLost: (partition) => seen.push(`lost ${partition}`),
  });
  await reader.start();
  const resolved: string[] = [];
  const deliver = (...offsets: number[]) => {
    stale = false;
    const messages = offsets.map((offset) => ({
      offset: String(offset),
      key: null,
      value: null,
      timestamp: '0',
    }));
    return run?.eachBatch({
      batch: { partition: 0, messages },
      resolveOffset: (offset: string) => resolved.push(offset),
      isStale: () => stale,
    } as unknown as EachBatchPayload);
  };
  return { reader, seen, seeks, resolved, deliver, join: () => join() };
}

describe('TopicReader', () => {
  it('begins with what is written after the start, even if Kafka would begin later', async () => {
    const { seen, seeks, deliver, reader } = await setUp({ low: 2, high: 10 });
    expect(reader.caughtUp).toBe(true);
    await deliver(12);
    expect([seen, seeks]).toEqual([[], ['10']]);
    await deliver(10, 11, 12);
    expect(seen).toEqual(['10', '11', '12']);
  });

  it('begins with the oldest record, and says when it has read all that was there', async () => {
    const { seen, deliver, reader } = await setUp({ low: 2, high: 5, fromBeginning: true });
    await deliver(2, 3);
    expect(reader.caughtUp).toBe(false);
    await deliver(4);
    expect([seen, reader.caughtUp]).toEqual([['2', '3', '4'], true]);
  });

  it('goes to where it was at each joining, before anything is read', async () => {
    const { seeks, deliver, join } = await setUp({ low: 2, high: 10 });
    join();
    await deliver(10, 11);
    join();
    expect(seeks).toEqual(['10', '12']);
  });

  it('goes back to where it was when the group has forgotten it', async () => {
    const { seen, seeks, resolved, deliver } = await setUp();
    await deliver(0, 1);
    await deliver(7, 8);
    expect([seen, resolved, seeks]).toEqual([['0', '1'], ['0', '1'], ['2']]);
    await deliver(2, 3, 4, 5, 6, 7, 8);
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('hands over nothing twice when it is sent back to the beginning', async () => {
    const { seen, seeks, deliver } = await setUp({ high: 2, fromBeginning: true });
    await deliver(0, 1);
    await deliver(0, 1);
    await deliver(2);
    expect([seen, seeks]).toEqual([['0', '1', '2'], ['2']]);
  });

  it.each([
    ['were deleted', 9],
    ['are of a topic that was made anew', 0],
  ])('says that records are lost when those that are there %s, and goes on', async (_, found) => {
    const { seen, seeks, deliver } = await setUp();
    await deliver(0, 1, 2, 3);
    for (let attempt = 0; attempt < 3; attempt++) await deliver(found, found + 1);
    const after = [`lost 0`, String(found), String(found + 1)];
    expect(seeks).toEqual(['4', '4']);
    expect(seen).toEqual(['0', '1', '2', '3', ...after]);
    await deliver(found + 2);
    expect(seen.at(-1)).toBe(String(found + 2));
  });

  it('notices a hole in the middle of what it is handed', async () => {
    const { seen, deliver } = await setUp();
    await deliver(0, 1, 5, 6);
    await deliver(2, 3, 4, 5, 6);
    expect(seen).toEqual(['0', '1', '2', '3', '4', '5', '6']);
  });
});
