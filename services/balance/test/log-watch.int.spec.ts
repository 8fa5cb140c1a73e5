import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChannelsRecord, TOPICS } from '#libs/contracts';
import { Database, LogSourceStore } from '#libs/database';
import {
  createKafka,
  type InRecord,
  LogWatch,
  PartitionConsumer,
  Producer,
  TopicReader,
  watched,
} from '#libs/kafka';
import { Health, Metrics } from '#libs/observability';
import {
  eventually,
  freshDatabase,
  freshTopic,
  type TestDatabase,
  testKafkaBrokers,
  uniqueTopic,
} from '#libs/testing';
import { Workers } from '../src/workers.js';
import { ledgerKit } from './ledger.kit.js';

const logger = pino({ level: 'silent' });
const kafka = createKafka({ clientId: 'watch', brokers: testKafkaBrokers().split(','), logger });
const ends: (() => Promise<void>)[] = [];

let server: TestDatabase;
let owner: Database;
let memory: LogSourceStore;
let producer: Producer;
let topic: string;

const connect = (role?: 'swarmledger_balance') =>
  new Database({
    url: server.url,
    applicationName: 'watch-test',
    connectionsMax: 3,
    ...(role === undefined ? {} : { role }),
  });

beforeAll(async () => {
  server = await freshDatabase();
  owner = connect();
  const service = connect('swarmledger_balance');
  memory = new LogSourceStore(service, 'ledger');
  producer = new Producer(kafka);
  await producer.connect();
  return async () => {
    await producer.disconnect();
    await service.close();
    await owner.close();
    await server.drop();
  };
});

beforeEach(async () => {
  topic = await freshTopic();
  await owner.sql`insert into ledger.log_sources (topic) values (${topic})`;
  await owner.sql`insert into ledger.log_offsets values (${topic}, 0, 0)`;
});

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const write = (count: number) =>
  producer.send(
    Array.from({ length: count }, () => ({
      topic,
      partition: 0,
      key: null,
      value: randomBytes(8),
    })),
  );

const continueFrom = (next: bigint) =>
  owner.sql`update ledger.log_offsets set next_offset = ${next} where topic = ${topic}`;

async function deleteBelow(offset: bigint): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  // It finds the leader only in metadata that something else has loaded.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: `${offset}` }] });
  await admin.disconnect();
}

function watchLog(): LogWatch {
  const watch = new LogWatch({ kafka, topic, memory, logger, checkEveryMs: 50 });
  ends.push(() => watch.stop());
  return watch;
}

/** A consumer that moves the stored offset as it applies, as the services do. */
async function consume(watch: LogWatch) {
  const applied: bigint[] = [];
  const consumer = new PartitionConsumer({
    kafka,
    topic,
    groupId: uniqueTopic('group'),
    logger,
    handler: watched(
      {
        nextOffset: async () => (await memory.read(topic)).nextOffsets.get(0) ?? 0n,
        apply: async (_partition, records: readonly InRecord[]) => {
          applied.push(...records.map(({ offset }) => offset));
          await continueFrom((records.at(-1)?.offset ?? -1n) + 1n);
        },
      },
      watch,
    ),
  });
  await consumer.start();
  ends.push(() => consumer.stop());
  return { consumer, applied };
}

describe('the first start', () => {
  it('adopts the cluster that it finds when every offset lies within its log', async () => {
    await write(5);
    await continueFrom(3n);
    const watch = watchLog();
    await watch.start();
    expect((await memory.read(topic)).clusterId).toMatch(/^[\w-]{10,}$/);
    expect(watch.isWhole).toBe(true);
    expect(() => watch.assertHealthy()).not.toThrow();
  });

  it('adopts nothing when an offset lies outside of it', async () => {
    await write(2);
    await continueFrom(3n);
    await expect(watchLog().start()).rejects.toThrow(/ends at 2, but everything below 3/);
    expect((await memory.read(topic)).clusterId).toBeNull();
  });
});

describe('a start', () => {
  it('refuses another cluster, and works again when the brokers are the right ones', async () => {
    await watchLog().start();
    const { clusterId } = await memory.read(topic);
    await owner.sql`update ledger.log_sources set cluster_id = 'other' where topic = ${topic}`;
    await expect(watchLog().start()).rejects.toThrow(/belongs to cluster other/);
    await owner.sql`update ledger.log_sources set cluster_id = ${clusterId} where topic = ${topic}`;
    await expect(watchLog().start()).resolves.toBeUndefined();
  });

  it('refuses a log that ends before the offset, also after it has grown past it', async () => {
    await write(2);
    await watchLog().start();
    await continueFrom(4n);
    await expect(watchLog().start()).rejects.toThrow(/not what was applied.*ends at 2/);
    await write(10);
    await expect(watchLog().start()).rejects.toThrow(/ends at 2/);
  });

  it('refuses a log whose records were deleted before they were applied', async () => {
    await write(6);
    await continueFrom(3n);
    await deleteBelow(4n);
    await expect(watchLog().start()).rejects.toThrow(/begins at 4, but .* continues from 3/);
  });

  it('goes on where everything deleted had been applied', async () => {
    await write(6);
    await continueFrom(4n);
    await deleteBelow(4n);
    await expect(watchLog().start()).resolves.toBeUndefined();
  });

  it('works after an operator has begun anew, from the offsets given', async () => {
    await write(2);
    await continueFrom(4n);
    await expect(watchLog().start()).rejects.toThrow(/ends at 2/);
    const change = { part: 0, expected: 4n, next: 0n };
    await expect(memory.beginAnew(topic, 'cluster', [{ ...change, expected: 3n }])).rejects.toThrow(
      /is being applied/,
    );
    expect((await memory.read(topic)).lost).toMatch(/ends at 2/);
    await memory.beginAnew(topic, 'cluster', [change]);
    expect(await memory.read(topic)).toEqual({
      clusterId: 'cluster',
      lost: null,
      nextOffsets: new Map([[0, 0n]]),
    });
  });
});

describe('a log that is being applied', () => {
  it('is left alone as soon as its end is gone: what comes then is never taken for applied', async () => {
    await write(3);
    const watch = watchLog();
    await watch.start();
    const { consumer, applied } = await consume(watch);
    await eventually(() => expect(applied).toEqual([0n, 1n, 2n]));
    // As if the log had ended at 3 where it was applied up to 8.
    await continueFrom(8n);
    await write(2);
    await eventually(() => expect(watch.isWhole).toBe(false));
    await eventually(() => expect(() => consumer.assertHealthy()).toThrow(/fails repeatedly/));
    expect(() => watch.assertHealthy()).toThrow(/operator/);
    await write(10);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(applied).toEqual([0n, 1n, 2n]);
    expect((await memory.read(topic)).nextOffsets.get(0)).toBe(8n);
  });

  it('is looked at before Kafka is asked for another position', async () => {
    await write(3);
    const watch = new LogWatch({ kafka, topic, memory, logger, checkEveryMs: 3_600_000 });
    ends.push(() => watch.stop());
    await watch.start();
    await continueFrom(8n);
    const { applied } = await consume(watch);
    await eventually(() => expect(() => watch.assertNotLost()).toThrow(/ends at 3/));
    expect(applied).toEqual([]);
  });
});

describe('the balance workers', () => {
  let kit: ReturnType<typeof ledgerKit>;
  const marks: bigint[] = [];

  beforeAll(() => {
    kit = ledgerKit(server.url);
  });
  afterAll(() => kit.database.close());

  const start = (health = new Health()) => {
    const { database, repositories, use: useCases, clock } = kit;
    const metrics = new Metrics('balance');
    return new Workers({
      ...{ kafka, database, repositories, useCases, clock, logger, metrics, health },
      applyEveryMs: 50,
    });
  };
  const moveVouchers = (by: bigint) =>
    owner.sql`update ledger.log_offsets set next_offset = next_offset + ${by}
      where topic = ${TOPICS.vouchers.name} and part = 5`;

  it('write no marks and are not ready while a part of the voucher log is missing, nor do they start again', async () => {
    await beginAtTheEnd();
    const health = new Health();
    const workers = start(health);
    await workers.onApplicationBootstrap();
    const reader = new TopicReader({
      kafka,
      topic: TOPICS.channels.name,
      logger,
      fromBeginning: false,
      onRecord: (_partition, { value }) => {
        const record = value === null ? undefined : ChannelsRecord.decode(value).record;
        if (record?.$case === 'markMs') marks.push(record.value);
      },
    });
    await reader.start();
    const ticking = setInterval(() => {
      kit.time.nowMs += 100n;
    }, 100);
    try {
      await eventually(() => expect(marks.length).toBeGreaterThan(0));
      await moveVouchers(1_000n);
      await eventually(async () => {
        const { checks } = await health.report();
        expect(checks['voucher log is whole']).toMatch(/partition 5 ends at/);
      });
      // One may still be on its way.
      await eventually(async () => {
        const before = marks.length;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        expect(marks.length).toBe(before);
      });
    } finally {
      clearInterval(ticking);
      await reader.stop();
      await workers.onApplicationShutdown();
      kit = ledgerKit(server.url);
    }
    await moveVouchers(-1_000n);
    const again = start();
    await expect(again.onApplicationBootstrap()).rejects.toThrow(/partition 5 ends at/);
    await again.onApplicationShutdown();
    kit = ledgerKit(server.url);
  });

  // The topics are shared with other test files: this ledger's log begins where theirs ended.
  async function beginAtTheEnd(): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    for (const name of [TOPICS.vouchers.name, TOPICS.marketMatches.name]) {
      for (const { partition, high } of await admin.fetchTopicOffsets(name)) {
        await owner.sql`update ledger.log_offsets set next_offset = ${BigInt(high)}
          where topic = ${name} and part = ${partition}`;
      }
    }
    await admin.disconnect();
  }
});
