import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogBlock, WithdrawalState } from '#libs/contracts';
import { Database } from '#libs/database';
import { partitionOf } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { totalsOfOperations } from '../src/application/seal-operations.service.js';
import { totalsOfChain } from '../src/domain/counted-totals.js';
import { addTotals, hashOf, NO_TOTALS } from '../src/domain/flush-chain.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, finalize, idOf, ledgerKit, record, value } from './ledger.kit.js';

const PART = 2;

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let owner: Database;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  owner = new Database({ url: server.url, applicationName: 'chain-test', connectionsMax: 2 });
});

afterAll(async () => {
  expect(await kit.use.totals.audit()).toBe('');
  await Promise.all([kit.database.close(), owner.close()]);
  await server.drop();
});

async function channelsOf(count: number, depositUnits = 100n): Promise<StoredChannel[]> {
  const [payer, payee] = [await kit.account(depositUnits * BigInt(count)), await kit.account()];
  const channels: StoredChannel[] = [];
  while (channels.length < count) {
    const request = kit.openRequest(payer, payee.address, depositUnits);
    if (partitionOf(idOf(request), 8) !== PART) continue;
    const channel = value(await kit.use.channels.open(request));
    value(await kit.close(payer, channel.channelId));
    channels.push(channel);
  }
  return channels;
}

async function apply(...records: LogBlock[][]): Promise<void> {
  const at = await kit.use.vouchers.nextOffset(PART);
  await kit.use.vouchers.apply(
    PART,
    records.map((blocks, index) => record(at + BigInt(index), blocks)),
  );
}

/** Links whose own hash, whose postings or whose place in the chain are not what they must be. */
function broken() {
  return owner.sql<{ part: number; flushNo: bigint }[]>`
    select f.part, f.flush_no as "flushNo" from ledger.flushes f
    left join ledger.flushes b on b.part = f.part and b.flush_no = f.flush_no - 1
    cross join lateral (
      select sha256(coalesce(string_agg(ledger.journal_bytes(j), ''::bytea
        order by j.entry_no, j.line), ''::bytea)) as hash, count(*) as postings
      from ledger.journal j
      where j.part = f.part and case when f.part = -1 then j.entry_no = any(f.operations)
        else j.at_ms = f.at_ms and j.entry_no = f.first_offset end
    ) p
    where f.hash <> ledger.flush_hash(f) or f.postings_hash <> p.hash or f.postings <> p.postings
      or (f.flush_no > 0 and (b.hash is null or b.hash <> f.prev_hash
        or b.next_offset <> f.first_offset))
    order by f.part, f.flush_no`;
}

async function countedTotals() {
  const { heads, waiting } = await kit.repositories.totals.readCounted();
  const sums = heads.map(({ totals }) => totals).reduce(addTotals, NO_TOTALS);
  return totalsOfChain(addTotals(sums, totalsOfOperations(waiting)));
}

async function expectCountedRight(): Promise<void> {
  const { tables, flows, journal } = await kit.repositories.totals.readAll();
  const counted = await countedTotals();
  expect(counted).toMatchObject({
    available: tables.available,
    inChannels: tables.inChannels,
    channelsOpened: tables.channelsOpened,
    channelsClosed: tables.channelsClosed,
    postings: tables.postings,
    flows,
  });
  const present = new Map(journal.map(({ kind, units }) => [kind, units]));
  for (const { kind, units } of counted.journal) expect(units).toBe(present.get(kind) ?? 0n);
}

describe('the chain of flushes', () => {
  it('covers every posting of every way of booking, and recomputes', async () => {
    const [a, b, c, d] = (await channelsOf(4)) as [
      StoredChannel,
      StoredChannel,
      StoredChannel,
      StoredChannel,
    ];
    await apply([claim(a, 10n), claim(b, 20n)], [claim(a, 15n)]);
    await apply([claim(a, 12n)]);
    // Too high a claim sends its channel the slow way, an end asks for the bytes, a late claim for a second run.
    await apply([claim(a, 30n), claim(a, 101n), claim(b, 40n)]);
    await apply([claim(c, 5n), finalize(c), claim(c, 6n), claim(b, 50n), finalize(d)]);
    expect(await broken()).toEqual([]);
    const [head] = (await kit.repositories.chain.heads(owner.sql)).filter(
      ({ part }) => part === PART,
    );
    if (head === undefined) throw new Error('no head');
    expect(head.hash).toEqual(hashOf(head));
    expect(head).toMatchObject({
      flushNo: 4n,
      nextOffset: await kit.use.vouchers.nextOffset(PART),
    });
    expect(head.totals).toMatchObject({ closed: 2n, postings: 8n });
  });

  it('takes up operations once they are committed, and counts them before that too', async () => {
    const [payer, payee] = [await kit.account(5_000n), await kit.account()];
    value(await kit.transfer(payer, payee.address, 100n));
    value(await kit.use.holds.place(kit.bid(payer, 300n)));
    const { withdrawalId } = value(await kit.withdraw(payer, 2_000n));
    const report = { withdrawalId, failure: '', txid: 'ab', note: '' };
    for (const state of [WithdrawalState.PLANNED, WithdrawalState.SOLIDIFIED]) {
      value(await kit.use.advance.advance({ ...report, state }));
    }
    await expectCountedRight();
    while ((await kit.use.sealing.round()) > 0);
    const [queue] =
      await owner.sql`select count(*)::int as waiting from ledger.unsealed_operations`;
    expect(queue).toEqual({ waiting: 0 });
    await expectCountedRight();
    expect(await broken()).toEqual([]);
    expect(await kit.use.sealing.round()).toBe(0);
  });

  it('seals each operation once, however many processes do it', async () => {
    const payer = await kit.account(1_000n);
    const payee = await kit.account();
    for (let at = 0; at < 20; at++) value(await kit.transfer(payer, payee.address, 1n));
    const rounds = await Promise.all(Array.from({ length: 6 }, () => kit.use.sealing.round()));
    while ((await kit.use.sealing.round()) > 0);
    expect(rounds.some((sealed) => sealed > 0)).toBe(true);
    const [doubles] = await owner.sql`
      select count(*)::int as doubles from (
        select unnest(operations) as no from ledger.flushes where part = -1
        group by 1 having count(*) > 1
      ) twice`;
    expect(doubles).toEqual({ doubles: 0 });
    expect(await broken()).toEqual([]);
  });

  it('names the flush whose posting was changed, and the link that was', async () => {
    await apply([claim(((await channelsOf(1)) as [StoredChannel])[0], 7n)]);
    const [last] = (await kit.repositories.chain.heads(owner.sql)).filter((h) => h.part === PART);
    const place = owner.sql`part = ${PART} and entry_no = ${last?.firstOffset ?? -1n}`;
    await owner.sql`update ledger.journal set units = units + 1 where ${place}`;
    expect(await broken()).toEqual([{ part: PART, flushNo: last?.flushNo }]);
    await owner.sql`update ledger.journal set units = units - 1 where ${place}`;
    await owner.sql`update ledger.flushes set units = units + 1 where part = ${PART} and flush_no = 1`;
    expect(await broken()).toEqual([{ part: PART, flushNo: 1n }]);
    await owner.sql`update ledger.flushes set units = units - 1 where part = ${PART} and flush_no = 1`;
    expect(await broken()).toEqual([]);
  });

  it('is rewritten by nobody', async () => {
    const { sql } = kit.database;
    await expect(sql`update ledger.flushes set units = 0`).rejects.toThrow(/permission denied/);
    await expect(sql`delete from ledger.flushes`).rejects.toThrow(/permission denied/);
  });
});

describe('bundles', () => {
  const bundle = (channels: readonly StoredChannel[], units: bigint): LogBlock => ({
    kind: 'bundle',
    validUntilMs: 5n,
    signature: randomBytes(64),
    entries: channels.map(({ channelNo }) => ({
      channelNo,
      cumulativeUnits: units,
      accepted: true,
    })),
  });
  const kept = async () => {
    const rows = await owner.sql<{ channels: number }[]>`
      select channels from ledger.bundles order by bundle_no`;
    return rows.map(({ channels }) => channels);
  };

  it('are kept exactly while a claim rests on them', async () => {
    const channels = await channelsOf(3);
    const [first] = channels as [StoredChannel];
    await apply([bundle(channels, 5n)], [bundle([first], 6n)]);
    expect(await kept()).toEqual([2, 1]);
    await apply([bundle(channels, 6n)]);
    expect(await kept()).toEqual([1, 2]);
    await apply([bundle(channels, 4n)]);
    expect(await kept()).toEqual([1, 2]);
    await apply(channels.map((channel) => claim(channel, 9n)));
    expect(await kept()).toEqual([]);
  });

  it('by the thousand go in and out in one flush', async () => {
    const [first, second] = (await channelsOf(2, 10_000n)) as [StoredChannel, StoredChannel];
    const many = Array.from({ length: 2_500 }, (_, at) =>
      bundle([at % 2 === 0 ? first : second], BigInt(at + 1)),
    );
    await apply(many.slice(0, 1_250), many.slice(1_250));
    expect(await kept()).toEqual([1, 1]);
  });
});
