import type { ConsumerConfig, Kafka } from 'kafkajs';
import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsRecord } from '#libs/contracts';
import { createKafka, Producer } from '#libs/kafka';
import { eventually, freshTopic, testKafkaBrokers } from '#libs/testing';
import { newChannel, PARTITIONS, type TestChannel } from '../../test/factory.js';
import { viewOf } from '../../test/wire.js';
import { ChannelDirectory } from '../application/channel-directory.js';
import { OpenQuestions } from '../application/open-questions.js';
import { CHANNEL, ChannelTable } from '../domain/channel-table.js';
import { ChannelsConsumer } from './channels.consumer.js';

const logger = pino({ level: 'silent' });
const stops: (() => Promise<void>)[] = [];
let kafka: Kafka;
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

/** The consumer on a topic of its own, and the id of its group: the last one, if it had to try again. */
async function start() {
  const topic = await freshTopic({ partitions: PARTITIONS });
  const table = new ChannelTable({ partitions: PARTITIONS, rowsMax: 64 });
  const groups: string[] = [];
  const watched = Object.assign(Object.create(kafka) as Kafka, {
    consumer: (config: ConsumerConfig) => {
      groups.push(config.groupId);
      return kafka.consumer(config);
    },
  });
  const directory = new ChannelDirectory(table, new OpenQuestions(), {
    nowMs: () => BigInt(Date.now()),
  });
  const consumer = new ChannelsConsumer(watched, directory, logger, topic);
  await consumer.run();
  stops.push(() => consumer.stop());
  return { topic, table, groupId: groups.at(-1) ?? '', consumer };
}

async function send(topic: string, { facts }: TestChannel, state: 'open' | 'closing') {
  const view = { ...viewOf({ ...facts, state, closesAtMs: 7n }) };
  const value = ChannelsRecord.encode({ record: { $case: 'channel', value: view } }).finish();
  const key = Buffer.concat([facts.id, Buffer.of(view.state)]);
  const { partition } = facts;
  await producer.send([{ topic, partition, key, value: Buffer.from(value) }]);
}

async function mark(topic: string, partition: number): Promise<void> {
  const record = { $case: 'markMs', value: BigInt(Date.now()) } as const;
  const value = Buffer.from(ChannelsRecord.encode({ record }).finish());
  await producer.send([{ topic, partition, key: 'mark', value }]);
}

async function deleteUpTo(topic: string, partition: number, offset: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  // It deletes of topics only whose leaders it has looked up.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset }] });
  await admin.disconnect();
}

/** Takes half of the partitions away from the group's only member; returns one of them, and how to leave. */
async function takeAway(topic: string, groupId: string) {
  const intruder = kafka.consumer({ groupId, sessionTimeout: 6_000, maxWaitTimeInMs: 50 });
  await intruder.connect();
  await intruder.subscribe({ topic, fromBeginning: false });
  const given = new Promise<number>((resolve) => {
    intruder.on(intruder.events.GROUP_JOIN, ({ payload }) => {
      resolve(payload.memberAssignment[topic]?.[0] ?? -1);
    });
  });
  await intruder.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  return { partition: await given, leave: () => intruder.disconnect() };
}

/** A known channel of each partition, and fresh marks. */
async function fill(topic: string, table: ChannelTable): Promise<Map<number, TestChannel>> {
  const channels = new Map<number, TestChannel>();
  while (channels.size < PARTITIONS) {
    const channel = newChannel();
    channels.set(channel.facts.partition, channel);
  }
  for (const [partition, { facts }] of channels) {
    table.learn(facts);
    await mark(topic, partition);
  }
  await eventually(() => table.marks.assertFresh(Date.now()));
  return channels;
}

// A member that does not manage to say goodbye is missed after its session only.
const PATIENTLY = { timeoutMs: 30_000 };

describe('the consumer of the channels topic', () => {
  it('begins at the end: what is older is asked of the books', async () => {
    const { topic, table, consumer } = await start();
    expect(() => consumer.assertReading()).not.toThrow();
    const channel = newChannel();
    const row = table.learn(channel.facts);
    await send(topic, channel, 'closing');
    await eventually(() => expect(table.state(row)).toBe(CHANNEL.closing));
  });

  it('never takes a mark for fresh whose partition has news that it missed', async () => {
    const { topic, table, groupId } = await start();
    const channels = await fill(topic, table);
    const { partition, leave } = await takeAway(topic, groupId);
    const channel = channels.get(partition)!;
    const markBefore = table.marks.newestMs(partition);
    await send(topic, channel, 'closing');
    await leave();
    // Kafka would go on behind the closing now; these marks would hide it.
    await eventually(async () => {
      await mark(topic, partition);
      expect(table.marks.newestMs(partition)).toBeGreaterThan(markBefore);
    }, PATIENTLY);
    expect(table.state(table.find(channel.facts.id))).toBe(CHANNEL.closing);
  });

  it('distrusts the channels of a partition whose news is gone', async () => {
    const { topic, table, groupId } = await start();
    const channels = await fill(topic, table);
    const { partition, leave } = await takeAway(topic, groupId);
    const channel = channels.get(partition)!;
    await send(topic, channel, 'closing');
    await mark(topic, partition);
    await deleteUpTo(topic, partition, '2');
    await leave();
    await eventually(async () => {
      await mark(topic, partition);
      expect(table.find(channel.facts.id)).toBe(-1);
    }, PATIENTLY);
    await eventually(async () => {
      await mark(topic, partition);
      expect(table.isFresh(partition, Date.now())).toBe(true);
    });
    expect(table.size).toBe(PARTITIONS - 1);
  });
});
