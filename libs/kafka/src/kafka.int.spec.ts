import type { ConsumerConfig, Kafka } from 'kafkajs';
import { ConfigResourceTypes } from 'kafkajs';
import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freshTopic, testKafkaBrokers, uniqueTopic } from '#libs/testing';
import {
  createKafka,
  ensureTopics,
  type InRecord,
  PartitionConsumer,
  type PartitionHandler,
  Producer,
  TopicReader,
} from './index.js';

const logger = pino({ level: 'silent' });
const stops: (() => Promise<void>)[] = [];

let kafka: ReturnType<typeof createKafka>;
let producer: Producer;

beforeAll(async () => {
  kafka = createKafka({ clientId: 'test', brokers: testKafkaBrokers().split(','), logger });
  producer = new Producer(kafka);
  await producer.connect();
  return () => producer.disconnect();
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A store of offsets and results that changes in one step, like a transaction. */
class Results implements PartitionHandler {
  readonly applied: string[] = [];
  next = 0n;
  failures = 0;

  nextOffset(): Promise<bigint> {
    return Promise.resolve(this.next);
  }

  apply(_partition: number, records: readonly InRecord[]): Promise<void> {
    if (this.failures-- > 0) return Promise.reject(new Error('the database is away'));
    expect(records[0]?.offset).toBe(this.next);
    this.applied.push(...records.map(({ value }) => value?.toString() ?? ''));
    this.next += BigInt(records.length);
    return Promise.resolve();
  }
}

async function consume(topic: string, handler: PartitionHandler, groupId = uniqueTopic('group')) {
  const consumer = new PartitionConsumer({ kafka, topic, groupId, handler, logger });
  await consumer.start();
  const stop = () => consumer.stop();
  stops.push(stop);
  return { consumer, stop };
}

const records = (topic: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    topic,
    partition: 0,
    key: null,
    value: Buffer.from(String(from + at)),
  }));

const texts = (count: number) => Array.from({ length: count }, (_, at) => String(at));

describe('the producer', () => {
  it('answers with the offset of the first record of each partition', async () => {
    const topic = await freshTopic({ partitions: 2 });
    await producer.send(records(topic, 0, 3));
    const written = await producer.send([
      ...records(topic, 3, 2),
      { topic, partition: 1, key: 'k', value: Buffer.from('x') },
    ]);
    const byPartition = Object.fromEntries(written.map((w) => [w.partition, w.offset]));
    expect(byPartition).toEqual({ 0: 3n, 1: 0n });
  });
});

describe('the partition consumer', () => {
  it('applies everything once, in order, across failures and restarts', async () => {
    const topic = await freshTopic();
    const results = new Results();
    const groupId = uniqueTopic('group');
    await producer.send(records(topic, 0, 150));
    results.failures = 2;
    const first = await consume(topic, results, groupId);
    await eventually(() => expect(results.applied).toEqual(texts(150)));
    await first.stop();
    await producer.send(records(topic, 150, 50));
    await consume(topic, results, groupId);
    await eventually(() => expect(results.applied).toEqual(texts(200)));
  });

  it('continues where the results say, not where Kafka would', async () => {
    const topic = await freshTopic();
    await producer.send(records(topic, 0, 20));
    const results = new Results();
    results.next = 12n;
    await consume(topic, results);
    await eventually(() => expect(results.applied).toEqual(texts(20).slice(12)));
  });

  it('tells of a rebalance, and what it has after it', async () => {
    const topic = await freshTopic({ partitions: 2 });
    const groupId = uniqueTopic('group');
    const told: string[] = [];
    const handler: PartitionHandler = {
      nextOffset: () => Promise.resolve(0n),
      apply: () => Promise.resolve(),
      rebalancing: () => told.push('rebalancing'),
      assigned: (partitions) => told.push(`${partitions.length} partitions`),
    };
    await consume(topic, handler, groupId);
    await eventually(() => expect(told).toEqual(['rebalancing', '2 partitions']));
    await consume(topic, new Results(), groupId);
    await eventually(() =>
      expect(told.slice(2)).toEqual(['rebalancing', 'rebalancing', '1 partitions']),
    );
  });

  it('says that it is not healthy while a partition keeps failing, and recovers', async () => {
    const topic = await freshTopic();
    const results = new Results();
    results.failures = 4;
    await producer.send(records(topic, 0, 1));
    const { consumer } = await consume(topic, results);
    await eventually(() => expect(() => consumer.assertHealthy()).toThrow(/fails repeatedly/));
    await eventually(() => expect(results.applied).toEqual(['0']));
    await eventually(() => expect(() => consumer.assertHealthy()).not.toThrow());
  });
});

describe('the pace of the partition consumer', () => {
  /** Notes when and how much it was told. */
  class Paced extends Results {
    readonly applies: { atMs: number; records: number }[] = [];

    override apply(partition: number, records: readonly InRecord[]): Promise<void> {
      this.applies.push({ atMs: Date.now(), records: records.length });
      return super.apply(partition, records);
    }
  }

  const start = async (topic: string, handler: Paced, options: object) => {
    const groupId = uniqueTopic('group');
    const consumer = new PartitionConsumer({ kafka, topic, groupId, handler, logger, ...options });
    await consumer.start();
    stops.push(() => consumer.stop());
  };

  it('lets a partition rest while records keep coming, and takes all of them at the end of the rest', async () => {
    const topic = await freshTopic();
    const results = new Paced();
    await start(topic, results, { applyEveryMs: 600 });
    const startedAt = Date.now();
    for (let at = 0; at < 60; at++) {
      await producer.send(records(topic, at, 1));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await eventually(() => expect(results.applied).toEqual(texts(60)));
    expect(results.applies.length).toBeLessThanOrEqual((Date.now() - startedAt) / 600 + 2);
    const gaps = results.applies
      .slice(1)
      .map(({ atMs }, at) => atMs - (results.applies[at]?.atMs ?? 0))
      .toSorted((a, b) => a - b);
    expect(gaps[gaps.length >> 1]).toBeGreaterThan(400);
    // After a rest the next record is applied at once; once is enough, since the machine may be busy.
    const waitedMs: number[] = [];
    for (let at = 60; at < 64; at++) {
      await new Promise((resolve) => setTimeout(resolve, 800));
      const sentAt = Date.now();
      await producer.send(records(topic, at, 1));
      await eventually(() => expect(results.applied).toEqual(texts(at + 1)), { intervalMs: 5 });
      waitedMs.push(Date.now() - sentAt);
    }
    expect(Math.min(...waitedMs)).toBeLessThan(500);
  });

  it('hands over no more bytes at once than allowed, but never less than a record', async () => {
    const topic = await freshTopic();
    const results = new Paced();
    const big = { topic, partition: 0, key: null, value: Buffer.alloc(3_000, 'x') };
    await producer.send([...records(topic, 0, 10), big, ...records(topic, 10, 10)]);
    await start(topic, results, { bytesPerApplyMax: 1_000 });
    await eventually(() => expect(results.applied).toHaveLength(21));
    expect(results.applies.map((apply) => apply.records)).toEqual([10, 1, 10]);
  });
});

describe('the topic reader', () => {
  it('reads everything that is there before it says that it has caught up, and then on', async () => {
    const topic = await freshTopic({ partitions: 3 });
    await producer.send(records(topic, 0, 5));
    const seen: string[] = [];
    const reader = new TopicReader({
      kafka,
      topic,
      logger,
      onRecord: (_partition, { value }) => seen.push(value?.toString() ?? ''),
    });
    await reader.start();
    stops.push(() => reader.stop());
    await eventually(() => expect(reader.caughtUp).toBe(true));
    expect(seen).toEqual(texts(5));
    await producer.send(records(topic, 5, 1));
    await eventually(() => expect(seen).toEqual(texts(6)));
  });
});

/** A reader of two partitions, the id of its group, and what it has seen of each. */
async function read(topic: string) {
  const seen: [string[], string[]] = [[], []];
  const groups: string[] = [];
  const spied = Object.assign(Object.create(kafka) as Kafka, {
    consumer: (config: ConsumerConfig) => {
      groups.push(config.groupId);
      return kafka.consumer(config);
    },
  });
  const reader = new TopicReader({
    kafka: spied,
    topic,
    logger,
    fromBeginning: false,
    onRecord: (partition, { value }) => seen[partition]?.push(value?.toString() ?? ''),
    onLost: (partition) => seen[partition]?.push('lost'),
  });
  await reader.start();
  stops.push(() => reader.stop());
  return { seen, groupId: groups.at(-1) ?? '' };
}

/** Joins the reader's group and gets one of its two partitions; returns which, and how to leave. */
async function takeAway(topic: string, groupId: string) {
  const intruder = kafka.consumer({ groupId, sessionTimeout: 6_000, maxWaitTimeInMs: 50 });
  await intruder.connect();
  await intruder.subscribe({ topic, fromBeginning: false });
  const given = new Promise<0 | 1>((resolve) => {
    intruder.on(intruder.events.GROUP_JOIN, ({ payload }) => {
      resolve(payload.memberAssignment[topic]?.[0] === 0 ? 0 : 1);
    });
  });
  await intruder.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  return { partition: await given, leave: () => intruder.disconnect() };
}

// A member that does not manage to say goodbye is missed after its session only.
const PATIENTLY = { timeoutMs: 30_000 };

const into = (partition: number, ...args: Parameters<typeof records>) =>
  records(...args).map((record) => ({ ...record, partition }));

describe('a topic reader that starts at the end', () => {
  it('reads what is written from now on', async () => {
    const topic = await freshTopic({ partitions: 2 });
    await producer.send(records(topic, 0, 5));
    const { seen } = await read(topic);
    await producer.send(records(topic, 5, 3));
    await eventually(() => expect(seen[0]).toEqual(['5', '6', '7']));
  });

  it('goes back for what was written while the group had given its partition away', async () => {
    const topic = await freshTopic({ partitions: 2 });
    const { seen, groupId } = await read(topic);
    await producer.send([...into(0, topic, 0, 3), ...into(1, topic, 0, 3)]);
    await eventually(() => expect(seen).toEqual([texts(3), texts(3)]));
    const { partition, leave } = await takeAway(topic, groupId);
    await producer.send(into(partition, topic, 3, 4));
    await leave();
    await eventually(() => expect(seen[partition]).toEqual(texts(7)), PATIENTLY);
    expect(seen[1 - partition]).toEqual(texts(3));
  });

  it('says so when what it missed was deleted meanwhile', async () => {
    const topic = await freshTopic({ partitions: 2 });
    const { seen, groupId } = await read(topic);
    await producer.send([...into(0, topic, 0, 1), ...into(1, topic, 0, 1)]);
    await eventually(() => expect(seen).toEqual([['0'], ['0']]));
    const { partition, leave } = await takeAway(topic, groupId);
    await producer.send(into(partition, topic, 1, 4));
    const admin = kafka.admin();
    await admin.connect();
    // It deletes of topics only whose leaders it has looked up.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: '4' }] });
    await admin.disconnect();
    await leave();
    await eventually(async () => {
      await producer.send(into(partition, topic, 99, 1));
      expect(seen[partition]).toContain('99');
    }, PATIENTLY);
    expect(seen[partition]?.slice(0, 3)).toEqual(['0', 'lost', '99']);
    expect(seen[1 - partition]).toEqual(['0']);
  });
});

describe('topics', () => {
  it('are created once and never silently with another number of partitions', async () => {
    const name = uniqueTopic();
    const spec = { name, partitions: 3, config: { 'retention.ms': '60000' } };
    await ensureTopics(kafka, [spec], 1);
    await ensureTopics(kafka, [spec], 1);
    await expect(ensureTopics(kafka, [{ ...spec, partitions: 4 }], 1)).rejects.toThrow(
      /has 3 partitions, 4 are needed/,
    );
  });

  it('that exist get the settings they lack, and keep what promises more or is not ours', async () => {
    const own = { 'retention.ms': '120000', 'cleanup.policy': 'compact', 'segment.ms': '600000' };
    const name = await freshTopic({ config: own });
    const config = { 'retention.ms': '60000', 'unclean.leader.election.enable': 'false' };
    await ensureTopics(kafka, [{ name, partitions: 1, config }], 1);
    const admin = kafka.admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name }],
    });
    await admin.disconnect();
    const found = Object.fromEntries(
      resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ??
        [],
    );
    expect(found).toMatchObject({ ...own, 'cleanup.policy': 'delete' });
  });

  it('with fewer replicas than must confirm a write are an error', async () => {
    const spec = { partitions: 1, config: { 'min.insync.replicas': '2' } };
    const name = await freshTopic();
    await expect(ensureTopics(kafka, [{ ...spec, name }], 1)).rejects.toThrow(
      /has 1 replicas, 2 must confirm each write/,
    );
  });
});
