import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeLogRecord } from '#libs/contracts';
import { Database, type Transaction } from '#libs/database';
import { createKafka, PartitionConsumer, Producer, StaleWriterError } from '#libs/kafka';
import {
  eventually,
  freshDatabase,
  freshTopic,
  type TestDatabase,
  testKafkaBrokers,
  uniqueTopic,
} from '#libs/testing';
import { ApplyVouchersService } from '../src/application/apply-vouchers.service.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { FlushRepository } from '../src/repositories/flush.repository.js';
import { claim, ledgerKit, record } from './ledger.kit.js';

// Several processes apply one log; whoever stops, is stopped, or comes back too late changes nothing.

const PARTS = 8;
const logger = pino({ level: 'silent' });

let server: TestDatabase;
let kits: ReturnType<typeof ledgerKit>[];
let owner: Database;
let kafka: ReturnType<typeof createKafka>;
let producer: Producer;

beforeAll(async () => {
  server = await freshDatabase();
  kits = [1, 2, 3].map(() => ledgerKit(server.url));
  owner = new Database({ url: server.url, applicationName: 'rebalance-test', connectionsMax: 2 });
  kafka = createKafka({ clientId: 'test', brokers: testKafkaBrokers().split(','), logger });
  producer = new Producer(kafka);
  await producer.connect();
});

afterAll(async () => {
  await producer.disconnect();
  await Promise.all([...kits.map(({ database }) => database.close()), owner.close()]);
  await server.drop();
});

const kitAt = (at: number) => kits[at] as ReturnType<typeof ledgerKit>;

async function channelIn(part: number, channelNo: number): Promise<StoredChannel> {
  await owner.sql`insert into ledger.channels
    (part, channel_no, channel_id, terms_hash, payer_no, payee_no, deposit_units, opened_at_ms)
    values (${part}, ${channelNo}, ${randomBytes(32)}, ${randomBytes(32)}, 1, 2, 1000000, 0)`;
  return { channelNo: BigInt(channelNo), part } as StoredChannel;
}

async function paid(): Promise<Map<number, bigint>> {
  const rows = await owner.sql<{ part: number; units: bigint }[]>`
    select part, sum(units)::bigint as units from ledger.balances where account_no = 2 group by part`;
  return new Map(rows.map(({ part, units }) => [part, units]));
}

/** What the journal adds up to, and whether its flushes follow one another without gap or overlap. */
async function journal() {
  const [row] = await owner.sql<{ units: bigint; gaps: number }[]>`
    select (select coalesce(sum(units), 0)::bigint from ledger.journal where part >= 0) as units,
      (select count(*)::int from ledger.flushes f join ledger.flushes b
        on b.part = f.part and b.flush_no = f.flush_no - 1
        where f.part >= 0 and b.next_offset <> f.first_offset) as gaps`;
  return row;
}

describe('partitions that change hands', () => {
  it('are applied once and whole while consumers come, go and crash', async () => {
    const topic = await freshTopic({ partitions: PARTS });
    const channels = await Promise.all(
      Array.from({ length: PARTS }, (_, part) => channelIn(part, 100 + part)),
    );
    const groupId = uniqueTopic('group');
    let crashes = 0;
    const consumer = (kit: ReturnType<typeof ledgerKit>, failEvery: number) =>
      new PartitionConsumer({
        kafka,
        topic,
        groupId,
        logger,
        applyEveryMs: 20,
        handler: {
          nextOffset: (part) => kit.use.vouchers.nextOffset(part),
          apply: async (part, records) => {
            await kit.use.vouchers.apply(part, records);
            // Committed, and Kafka never hears of it.
            if (++crashes % failEvery === 0) throw new Error('crashed behind the commit');
          },
        },
      });
    const [a, b, c] = [consumer(kitAt(0), 7), consumer(kitAt(1), 5), consumer(kitAt(2), 1_000)];
    await a.start();
    let sent = 0n;
    const produce = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        sent++;
        await producer.send(
          channels.map((channel, partition) => ({
            topic,
            partition,
            key: null,
            value: encodeLogRecord([claim(channel, sent), claim(channel, sent - 1n)]),
          })),
        );
        await sleep(5);
      }
    };
    await produce(60);
    const joined = b.start();
    await produce(60);
    await joined;
    await c.start();
    await a.stop();
    await produce(60);
    await b.stop();
    await produce(20);
    await eventually(
      async () => {
        const balances = await paid();
        for (let part = 0; part < PARTS; part++) expect(balances.get(part)).toBe(sent);
      },
      { timeoutMs: 50_000 },
    );
    await c.stop();
    expect(await journal()).toEqual({ units: sent * BigInt(PARTS), gaps: 0 });
    const [quarantined] = await owner.sql`select count(*)::int as rows from ledger.quarantine`;
    expect(quarantined).toEqual({ rows: 0 });
  });
});

describe('a process that was stopped', () => {
  const units = async (part: number) => (await paid()).get(part) ?? 0n;

  it('before its transaction finds that others went on, and books nothing', async () => {
    const channel = await channelIn(0, 500);
    const before = await units(0);
    const at = await kitAt(0).use.vouchers.nextOffset(0);
    const fetched = [record(at, [claim(channel, 10n)]), record(at + 1n, [claim(channel, 20n)])];
    await kitAt(1).use.vouchers.apply(0, fetched.slice(0, 1));
    await expect(kitAt(0).use.vouchers.apply(0, fetched)).rejects.toBeInstanceOf(StaleWriterError);
    expect((await units(0)) - before).toBe(10n);
  });

  it('inside its transaction holds the partition for seconds only, and books nothing when it wakes up', async () => {
    const channel = await channelIn(1, 600);
    const before = await units(1);
    const { database, repositories, clock } = kitAt(0);
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let merged = () => {};
    const isMerged = new Promise<void>((resolve) => {
      merged = resolve;
    });
    class StoppedRepository extends FlushRepository {
      override async merge(tx: Transaction, ...rest: [never, never]) {
        const done = await super.merge(tx, ...rest);
        merged();
        await asleep;
        return done;
      }
    }
    const flushes = new StoppedRepository();
    const zombie = new ApplyVouchersService({ database, ...repositories, flushes, clock, logger });
    const at = await zombie.nextOffset(1);
    const records = [record(at, [claim(channel, 10n)])];
    const outcome = zombie.apply(1, records).then(
      () => 'booked',
      () => 'failed',
    );
    await isMerged;
    const startedAt = Date.now();
    // Waits for the row that the zombie has locked, until Postgres ends the zombie's session.
    await kitAt(1).use.vouchers.apply(1, records);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    wake();
    expect(await outcome).toBe('failed');
    expect((await units(1)) - before).toBe(10n);
    expect((await journal())?.gaps).toBe(0);
  });
});
