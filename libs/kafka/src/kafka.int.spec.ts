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

  it('says that it is not healthy while a partition keeps failing, and recovers', async () => {
    const topic = await freshTopic();
    const results = new Results();
    results.failures = 4;
    await producer.send(records(topic, 0, 1));
    const { consumer } = await consume(topic, results);
    await eventually(() => expect(() => consumer.assertHealthy()).toThrow(/fails repeatedly/));
    await eventually(() => expect(results.applied).toEqual(['0']));
    expect(() => consumer.assertHealthy()).not.toThrow();
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
});
