import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MarketMatch, MarketOrder, type PlaceBidRequest, TOPICS } from '#libs/contracts';
import { Database } from '#libs/database';
import { toHex } from '#libs/domain';
import { type InRecord, StaleWriterError } from '#libs/kafka';
import { createLogger, Metrics } from '#libs/observability';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { BookWriterService } from '../src/application/book-writer.service.js';
import { MarketMetrics } from '../src/application/market-metrics.js';
import { MARKET_LIMITS } from '../src/domain/limits.js';
import { checkBid } from '../src/domain/order-request.js';
import { orderDecoder } from '../src/kafka/market-order.consumer.js';
import { BookRepository } from '../src/repositories/book.repository.js';
import { OrderRepository } from '../src/repositories/order.repository.js';
import { digests, signedAsk, signedBid, signedCancel, trader } from './traders.js';

const PART = 2;
const logger = createLogger({ name: 'test', level: 'silent' });
let testDatabase: TestDatabase;
let database: Database;
let nowMs: bigint;

beforeAll(async () => {
  testDatabase = await freshDatabase();
  database = new Database({
    url: testDatabase.url,
    applicationName: 'test',
    connectionsMax: 4,
    role: 'swarmledger_auction',
  });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});
beforeEach(() => {
  nowMs = BigInt(Date.now());
});
afterEach(async () => {
  const { sql } = database;
  await sql`delete from market.matches`;
  await sql`delete from market.rounds`;
  await sql`delete from market.orders`;
  await sql`delete from market.outbox`;
  await sql`update market.log_offsets set next_offset = 0`;
});

/** A process that has been given the partition. */
function writer(): BookWriterService {
  const service = new BookWriterService({
    books: new BookRepository(database, TOPICS.marketOrders.name),
    decode: orderDecoder(digests),
    metrics: new MarketMetrics(new Metrics('test')),
    clock: () => nowMs,
    logger,
  });
  service.assigned([PART]);
  return service;
}

/** Records of the order log from an offset on. */
function records(orders: NonNullable<MarketOrder['order']>[], from = 0n): InRecord[] {
  return orders.map((order, at) => ({
    offset: from + BigInt(at),
    key: null,
    value: Buffer.from(MarketOrder.encode({ atMs: nowMs, order }).finish()),
    timestampMs: Number(nowMs),
  }));
}

const ask = (...args: Parameters<typeof signedAsk>) =>
  ({ $case: 'ask', value: signedAsk(...args) }) as const;
const bid = (...args: Parameters<typeof signedBid>) =>
  ({ $case: 'bid', value: signedBid(...args) }) as const;
const cancel = (...args: Parameters<typeof signedCancel>) =>
  ({ $case: 'cancel', value: signedCancel(...args) }) as const;

async function outbox(): Promise<string[]> {
  const rows = await database.sql<{ value: Buffer }[]>`
    select value from market.outbox order by event_no`;
  return rows.map(({ value }) => {
    const { event } = MarketMatch.decode(value);
    return event?.$case === 'release' ? `release ${event.value.cause}` : 'match';
  });
}

async function states(): Promise<Record<number, number>> {
  const rows = await database.sql<{ state: number; orders: number }[]>`
    select state, count(*)::int as orders from market.orders group by state`;
  return Object.fromEntries(rows.map(({ state, orders }) => [state, orders]));
}

describe('applying the order log', () => {
  it('is exactly once: what a second process reads again is fenced, and changes nothing', async () => {
    const orders = records([ask(trader()), bid(trader())]);
    const first = writer();
    await first.nextOffset(PART);
    await first.apply(PART, orders);
    const second = writer();
    expect(await second.nextOffset(PART)).toBe(2n);
    await expect(first.apply(PART, records([ask(trader())], 2n))).rejects.toThrow(StaleWriterError);
    expect(await states()).toEqual({ 2: 2 });
    await second.holdRounds();
    expect(await outbox()).toEqual(['match', 'release filled']);
  });

  it('judges records of one batch in their order', async () => {
    const [provider, requester] = [trader(), trader()];
    const offer = ask(provider);
    const wish = bid(requester);
    const reused = bid(requester, { orderId: wish.value.orderId, slots: 2 });
    const service = writer();
    await service.apply(
      PART,
      records([
        offer,
        wish,
        wish,
        reused,
        cancel(requester, wish.value.orderId),
        cancel(requester, wish.value.orderId),
        wish,
        cancel(requester, Buffer.alloc(32)),
      ]),
    );
    expect(await states()).toEqual({ 2: 1, 4: 1 });
    expect(await outbox()).toEqual(['release cancelled']);
    await service.holdRounds();
    expect(await outbox()).toEqual(['release cancelled']);
  });

  it('puts what cannot be read aside and goes on', async () => {
    const [good] = records([ask(trader())], 3n);
    const service = writer();
    const broken = ['', 'nonsense'].map((text, at) => ({
      ...good!,
      offset: BigInt(at),
      value: Buffer.from(text),
    }));
    const [wrongOwner] = records([
      { $case: 'ask', value: { ...ask(trader()).value, provider: 'x' } },
    ]);
    const empty = { ...good!, offset: 2n, value: null };
    await service.apply(PART, [...broken, empty, good!, { ...wrongOwner!, offset: 4n }]);
    const rows = await database.sql<{ offset: bigint; reason: string }[]>`
      select log_offset as "offset", reason from market.quarantine order by log_offset`;
    expect(rows.map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 4n]);
    expect(rows[0]?.reason).toContain('no market order');
    expect(await states()).toEqual({ 2: 1 });
    expect(await service.nextOffset(PART)).toBe(5n);
  });
});

describe('a process that lost its partition without noticing', () => {
  it('cannot clear a round, nor expire an order', async () => {
    const zombie = writer();
    const soon = nowMs + 1_000n;
    await zombie.apply(
      PART,
      records([
        ask(trader(), { slots: 2 }),
        bid(trader()),
        bid(trader(), { swarm: Buffer.alloc(20, 2), expiresAtMs: soon }),
      ]),
    );
    const owner = writer();
    await owner.nextOffset(PART);
    expect(await zombie.holdRounds()).toBe(0);
    expect(await outbox()).toEqual([]);
    expect(await owner.holdRounds()).toBe(1);
    nowMs = soon;
    // It leaves the partition alone for a while instead of taking it back at once.
    expect(await zombie.holdRounds()).toBe(0);
    expect(zombie.heldPartitions()).toEqual([]);
    await owner.holdRounds();
    expect(await outbox()).toEqual(['match', 'release filled', 'release expired']);
    const [row] = await database.sql<{ rounds: number }[]>`
      select count(*)::int as rounds from market.rounds`;
    expect(row?.rounds).toBe(1);
  });

  it('forgets the books of partitions that it is no longer given', async () => {
    const service = writer();
    await service.nextOffset(PART);
    expect(service.heldPartitions()).toEqual([PART]);
    service.assigned([0]);
    expect(service.heldPartitions()).toEqual([]);
  });
});

describe('rounds', () => {
  it('end with the provider once per bid, also when the book was loaded again in between', async () => {
    const provider = trader();
    const first = writer();
    await first.apply(PART, records([ask(provider, { slots: 3 }), bid(trader(), { slots: 2 })]));
    expect(await first.holdRounds()).toBe(1);
    expect(await first.holdRounds()).toBe(0);
    expect(await writer().holdRounds()).toBe(0);
    const third = writer();
    await third.apply(PART, records([ask(trader())], 2n));
    expect(await third.holdRounds()).toBe(1);
    expect(await outbox()).toEqual(['match', 'match', 'release filled']);
  });

  it('release a bid that never reached the log, after its expiry and a grace', async () => {
    const request: PlaceBidRequest = signedBid(trader(), { expiresAtMs: nowMs + 10n });
    const checked = checkBid(request, nowMs, digests);
    if (!checked.ok) throw new Error(checked.detail);
    await new OrderRepository(database).addPending(checked.value, PART);
    const service = writer();
    nowMs += 10n + MARKET_LIMITS.pendingGraceMs;
    await service.holdRounds();
    expect(await states()).toEqual({ 1: 1 });
    nowMs += 1n;
    await service.holdRounds();
    expect(await states()).toEqual({ 5: 1 });
    expect(await outbox()).toEqual(['release expired']);
    // The record comes after all: its hold may be newer than the release, so it is released again.
    await service.apply(PART, records([{ $case: 'bid', value: request }]));
    expect(await outbox()).toEqual(['release expired', 'release expired']);
    expect(await states()).toEqual({ 5: 1 });
  });

  it('leave nothing behind when they cannot be written, and are held again', async () => {
    const service = writer();
    await service.apply(PART, records([ask(trader()), bid(trader())]));
    const owner = new Database({
      url: testDatabase.url,
      applicationName: 'test',
      connectionsMax: 1,
    });
    try {
      await owner.sql`alter table market.outbox add constraint broken check (part < 0) not valid`;
      for (let round = 0; round < 3; round++) expect(await service.holdRounds()).toBe(0);
      expect(() => service.assertHealthy()).toThrow('fail repeatedly');
      await owner.sql`alter table market.outbox drop constraint broken`;
    } finally {
      await owner.close();
    }
    expect(await states()).toEqual({ 2: 2 });
    expect(await service.holdRounds()).toBe(1);
    expect(() => service.assertHealthy()).not.toThrow();
  });

  it('clear and write a book of 10 000 orders; the time is printed, not judged', async () => {
    const traders = Array.from({ length: 200 }, trader);
    const orders = Array.from({ length: 10_000 }, (_, n) => {
      const key = traders[n % 200]!;
      return n % 2 === 0
        ? ask(key, { slots: 2, reservePriceUnits: BigInt(1 + ((n * 7919) % 900)) })
        : bid(key, { priceLimitUnits: BigInt(1 + ((n * 104_729) % 1_500)), budgetUnits: 100_000n });
    });
    const service = writer();
    for (let at = 0; at < orders.length; at += 500) {
      await service.apply(PART, records(orders.slice(at, at + 500), BigInt(at)));
    }
    const start = performance.now();
    const matched = await service.holdRounds();
    const tookMs = performance.now() - start;
    console.info(`a round of 10 000 orders, ${matched} matches, written: ${tookMs.toFixed(0)} ms`);
    expect(matched).toBeGreaterThan(1_000);
    const [row] = await database.sql<{ matches: number; slots: bigint; hash: Buffer }[]>`
      select count(*)::int as matches, (select sum(slots - slots_open) from market.orders) as slots
      from market.matches`;
    expect(row).toMatchObject({ matches: matched });
    expect(Number(row?.slots)).toBe(2 * matched);
    expect((await outbox()).length).toBeGreaterThan(matched);
  }, 180_000);
});

describe('the API’s own rows', () => {
  it('are counted by swarm and owner up to a bound', async () => {
    const repository = new OrderRepository(database);
    const key = trader();
    const requests = [signedBid(key), signedBid(key), signedBid(trader())];
    const orders = requests.map((request) => {
      const checked = checkBid(request, nowMs, digests);
      if (!checked.ok) throw new Error(checked.detail);
      return checked.value;
    });
    for (const order of orders) await repository.addPending(order, PART);
    const count = (inSwarm: number, ofOwner: number) =>
      repository.countLive(orders[0]!.order, { inSwarm, ofOwner });
    expect(await count(10, 10)).toEqual({ inSwarm: 3, ofOwner: 2 });
    expect(await count(2, 1)).toEqual({ inSwarm: 2, ofOwner: 1 });
    await repository.removePending(orders[0]!);
    expect(await count(10, 10)).toEqual({ inSwarm: 2, ofOwner: 1 });
    expect(await repository.find(Buffer.from(orders[1]!.order.orderId, 'hex'))).toMatchObject({
      state: 'pending',
    });
  });

  it('are stored once when two requests race', async () => {
    const checked = checkBid(signedBid(trader()), nowMs, digests);
    if (!checked.ok) throw new Error(checked.detail);
    const repository = new OrderRepository(database);
    const known = await Promise.all(
      Array.from({ length: 6 }, () => repository.addPending(checked.value, PART)),
    );
    expect(new Set(known.map(({ contentHash }) => toHex(contentHash))).size).toBe(1);
    expect(await states()).toEqual({ 1: 1 });
  });
});
