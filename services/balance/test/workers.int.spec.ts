import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsRecord, type ChannelView, LedgerEvent, TOPICS } from '#libs/contracts';
import { createKafka, Producer, TopicReader } from '#libs/kafka';
import { Health, Metrics } from '#libs/observability';
import { eventually, freshDatabase, type TestDatabase, testKafkaBrokers } from '#libs/testing';
import { Workers } from '../src/workers.js';
import { claim, ledgerKit, record, value } from './ledger.kit.js';

const logger = pino({ level: 'silent' });

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let workers: Workers;
let producer: Producer;
let kafka: ReturnType<typeof createKafka>;
const readers: TopicReader[] = [];
const views: ChannelView[] = [];
const marks: bigint[] = [];
const events: LedgerEvent[] = [];

let metrics: Metrics;

function start(): Workers {
  const { database, repositories, use: useCases, clock } = kit;
  metrics = new Metrics('balance');
  const health = new Health();
  const parts = { kafka, database, repositories, useCases, clock, logger, metrics, health };
  return new Workers({ ...parts, applyEveryMs: 50 });
}

// The topics are shared with other test files: this ledger's log begins where theirs ended.
async function beginAtTheEnd(): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  for (const topic of [TOPICS.vouchers.name, TOPICS.marketMatches.name]) {
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
      await kit.database.sql`update ledger.log_offsets set next_offset = ${BigInt(high)}
        where topic = ${topic} and part = ${partition}`;
    }
  }
  await admin.disconnect();
}

async function read(topic: string, onValue: (value: Buffer) => void): Promise<void> {
  const onRecord = (_partition: number, { value }: { value: Buffer | null }) => {
    // Other test files leave records there that nobody can read, on purpose.
    try {
      if (value !== null) onValue(value);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
    }
  };
  const reader = new TopicReader({ kafka, topic, logger, onRecord });
  await reader.start();
  readers.push(reader);
}

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  kafka = createKafka({ clientId: 'workers', brokers: testKafkaBrokers().split(','), logger });
  producer = new Producer(kafka);
  await producer.connect();
  await beginAtTheEnd();
  await read(TOPICS.channels.name, (bytes) => {
    const { record } = ChannelsRecord.decode(bytes);
    if (record?.$case === 'channel') views.push(record.value);
    if (record?.$case === 'markMs') marks.push(record.value);
  });
  await read(TOPICS.ledgerEvents.name, (bytes) => events.push(LedgerEvent.decode(bytes)));
  workers = start();
  await workers.onApplicationBootstrap();
});

afterAll(async () => {
  for (const reader of readers) await reader.stop();
  await producer.disconnect();
  await workers.onApplicationShutdown();
  await server.drop();
});

describe('the balance workers', () => {
  it('carry a channel through its life: published, paid, closed, remainder back', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const view = await eventually(() => {
      const found = views.find((seen) => seen.channelNo === channel.channelNo);
      expect(found).toMatchObject({ state: 1, partition: channel.part, payee: payee.address });
      return found;
    });
    expect(view?.payerPublicKey).toEqual(Buffer.from(payer.publicKey));

    const { value: bytes } = record(0n, [claim(channel, 120n)]);
    await producer.send([
      { topic: TOPICS.vouchers.name, partition: channel.part, key: null, value: bytes! },
    ]);
    await eventually(async () => expect(await kit.available(payee)).toBe(120n));

    value(await kit.close(payee, channel.channelId));
    await eventually(() =>
      expect(views.some((seen) => seen.channelNo === channel.channelNo && seen.state === 2)).toBe(
        true,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 700));
    // The grace is not over: nothing has been given back.
    expect(await kit.available(payer)).toBe(500n);
    kit.time.nowMs += 5_500n;
    await eventually(async () => expect(await kit.available(payer)).toBe(880n));
    await eventually(() =>
      expect(views.some((seen) => seen.channelNo === channel.channelNo && seen.state === 3)).toBe(
        true,
      ),
    );
  });

  it('publish events of every kind, with their numbers, and empty the outbox', async () => {
    await eventually(async () => expect(await kit.repositories.outbox.size()).toBe(0));
    await eventually(() => {
      const kinds = new Set(events.map(({ event }) => event?.$case));
      expect([...kinds]).toEqual(expect.arrayContaining(['deposit', 'channel', 'flush']));
    });
    expect(events.every(({ eventNo }) => eventNo > 0n)).toBe(true);
  });

  it('write marks while they are up to date, in time with the clock', async () => {
    const before = marks.length;
    kit.time.nowMs += 1_000n;
    await eventually(() => {
      expect(marks.length).toBeGreaterThanOrEqual(before + TOPICS.channels.partitions);
      expect(marks).toContain(kit.time.nowMs);
    });
  });

  it('go on from where they were after a restart, and conserve every unit', async () => {
    await workers.onApplicationShutdown();
    kit = ledgerKit(server.url);
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const { value: bytes } = record(0n, [claim(channel, 77n)]);
    await producer.send([
      { topic: TOPICS.vouchers.name, partition: channel.part, key: null, value: bytes! },
    ]);
    workers = start();
    await workers.onApplicationBootstrap();
    await eventually(async () => expect(await kit.available(payee)).toBe(77n));
    expect((await kit.use.totals.get()).firstDifference).toBe('');
    const [row] = await kit.database.sql`select count(*)::int as n from ledger.quarantine`;
    expect(row?.n).toBe(0);
  });

  it('count what they put into quarantine, whichever log it came from', async () => {
    const quarantined = async (topic: string) => {
      const text = await metrics.registry.getSingleMetricAsString('swarmledger_quarantined_total');
      return Number(new RegExp(`topic="${topic}".*} (\\d+)`).exec(text)?.[1]);
    };
    const topics = [TOPICS.vouchers.name, TOPICS.marketMatches.name];
    expect(await Promise.all(topics.map(quarantined))).toEqual([0, 0]);
    const value = Buffer.from('neither a log record nor a match');
    await producer.send(topics.map((topic) => ({ topic, partition: 1, key: null, value })));
    await eventually(async () => {
      expect(await Promise.all(topics.map(quarantined))).toEqual([1, 1]);
    });
    const rows = await kit.database.sql`select topic, part from ledger.quarantine order by topic`;
    expect(rows).toEqual([...topics].sort().map((topic) => ({ topic, part: 1 })));
  });
});
