import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsRecord, type LogEntry, type TickCommitment, TOPICS } from '#libs/contracts';
import { type KeyPair, sha256, sign } from '#libs/crypto';
import { hashesForward, tickChain, tickUnits } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { channelView } from '../src/application/events.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, ledgerKit, reason, record, value } from './ledger.kit.js';

const DEPOSIT = 1_000n;

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let payer: KeyPair;
let payee: KeyPair;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  payer = await kit.account(100_000n);
  payee = await kit.account();
});
afterAll(async () => {
  const totals = await kit.use.totals.get();
  await kit.database.close();
  await server.drop();
  expect(totals.conserved).toBe(true);
});

/** A chain of `ticksMax` ticks and what commits to it. */
function chainOf(ticksMax: number, tickValueUnits: bigint, baseUnits: bigint) {
  const elements = tickChain(randomBytes(32), ticksMax, sha256).map((bytes) => Buffer.from(bytes));
  const chainEnd = elements[0]!;
  return { elements, ticks: { chainEnd, tickValueUnits, ticksMax: BigInt(ticksMax), baseUnits } };
}
type Chain = ReturnType<typeof chainOf>;

function signed(
  channelId: Buffer,
  ticks: TickCommitment,
  { signer = payer, validUntilMs = kit.time.nowMs + 60_000n } = {},
) {
  const digest = kit.digests.commitTicks({ channelId, ticks, validUntilMs });
  const signature = Buffer.from(sign(digest, signer.privateKey));
  return { channelId, ticks, validUntilMs, signature };
}
const commit = (channel: StoredChannel, chain: Chain, options = {}) =>
  kit.use.ticks.commit(signed(channel.channelId, chain.ticks, options));

/** A tick as ingest logs it: the amount goes along, so the chain is not needed to apply it. */
function tick(channel: StoredChannel, { elements, ticks }: Chain, index: number): LogEntry {
  return {
    kind: 'tick',
    channelNo: channel.channelNo,
    cumulativeUnits: tickUnits(ticks, BigInt(index)),
    detail: BigInt(index),
    proof: elements[index]!,
  };
}
async function apply(channel: StoredChannel, ...entries: LogEntry[]) {
  const offset = await kit.use.vouchers.nextOffset(channel.part);
  return kit.use.vouchers.apply(channel.part, [record(offset, entries)]);
}
const describeChannel = async (channel: StoredChannel) =>
  value(await kit.use.channels.describe(channel.channelId));
const open = (depositUnits = DEPOSIT) => kit.channel(payer, payee.address, depositUnits);

/** The newest view of a channel that waits to be published to ingest. */
async function published(channel: StoredChannel) {
  const rows = await kit.database.sql<{ value: Buffer }[]>`
    select value from ledger.outbox where topic = ${TOPICS.channels.name} order by event_no`;
  return rows
    .map((row) => ChannelsRecord.decode(row.value).record)
    .flatMap((news) => (news?.$case === 'channel' ? [news.value] : []))
    .findLast((view) => view.channelId.equals(channel.channelId));
}

describe('CommitTicks', () => {
  it('gives a channel its first chain, counting from what it owes', async () => {
    const channel = await open();
    await apply(channel, claim(channel, 300n));
    const chain = chainOf(5, 10n, 300n);
    const committed = value(await commit(channel, chain));
    expect(committed).toMatchObject({ tickBaseUnits: 300n, ticksMax: 5n, tickIndex: 0n });
    expect(await published(channel)).toMatchObject({
      ticks: chain.ticks,
      tickIndex: 0n,
      tickPreimage: chain.ticks.chainEnd,
      cumulativeUnits: 300n,
    });
    const before = await kit.available(payee);
    await apply(channel, tick(channel, chain, 3));
    expect((await kit.available(payee)) - before).toBe(30n);
    expect(await describeChannel(channel)).toMatchObject({ cumulativeUnits: 330n, tickIndex: 3n });
  });

  it('waits for old ticks that are acknowledged and not yet applied, and honours them all', async () => {
    const channel = await open();
    const old = chainOf(4, 50n, 0n);
    value(await commit(channel, old));
    await apply(channel, tick(channel, old, 2));
    // Ticks 3 and 4 are in the log now, acknowledged; the payee may even still hold others.
    const inFlight = [tick(channel, old, 3), tick(channel, old, 4)];
    const next = chainOf(10, 7n, 200n);
    const early = await commit(channel, next);
    expect(early).toMatchObject({ reason: 'TICKS_LEFT', detail: expect.stringContaining('200') });
    await apply(channel, ...inFlight);
    const committed = value(await commit(channel, next));
    expect(committed).toMatchObject({ cumulativeUnits: 200n, tickBaseUnits: 200n, tickIndex: 0n });

    // A replica that has not heard of the new chain logs old ticks again: they raise nothing, and the
    // position in the new chain stays where it is.
    await apply(channel, tick(channel, next, 2), tick(channel, old, 4), tick(channel, old, 3));
    const after = await describeChannel(channel);
    expect(after).toMatchObject({ cumulativeUnits: 214n, tickIndex: 2n });
    expect(await apply(channel, tick(channel, old, 4))).toMatchObject({
      channels: 0,
      quarantined: 0,
    });
    expect(channelView(await describeChannel(channel))).toMatchObject({
      tickIndex: 2n,
      tickPreimage: next.elements[2],
    });
  });

  it('takes one of two chains that come at once', async () => {
    const channel = await open();
    const chains = [chainOf(2, 1n, 0n), chainOf(2, 1n, 0n), chainOf(3, 1n, 0n)];
    const results = await Promise.all(chains.map((chain) => commit(channel, chain)));
    const reasons = results.flatMap((result) => (result.ok ? [] : [result.reason]));
    expect(reasons).toEqual(['TICKS_LEFT', 'TICKS_LEFT']);
  });

  it('keeps every chain, so that any stored tick can be checked again', async () => {
    const channel = await open();
    let baseUnits = 0n;
    const chains: Chain[] = [];
    for (const tickValueUnits of [5n, 3n, 11n]) {
      const chain = chainOf(4, tickValueUnits, baseUnits);
      value(await commit(channel, chain));
      await apply(channel, tick(channel, chain, 4));
      chains.push(chain);
      baseUnits = tickUnits(chain.ticks, 4n);
    }
    const { cumulativeUnits } = await describeChannel(channel);
    expect(cumulativeUnits).toBe(76n);
    const rows = await kit.database.sql<
      { chainEnd: Buffer; base: bigint; last: bigint; signature: Buffer; until: bigint }[]
    >`select chain_end as "chainEnd", base_units as base, signature, valid_until_ms as until,
        base_units + tick_value_units * ticks_max as last
      from ledger.tick_commitments where channel_no = ${channel.channelNo} order by base_units`;
    expect(rows.map((row) => [row.base, row.last])).toEqual([
      [0n, 20n],
      [20n, 32n],
      [32n, 76n],
    ]);
    // Whatever tick is the claim behind the amount, its chain is the one whose range holds it.
    const [claimed] = await kit.database.sql<{ detail: bigint; proof: Buffer }[]>`
      select claim_detail as detail, claim_proof as proof from ledger.channels
      where part = ${channel.part} and channel_no = ${channel.channelNo}`;
    const range = rows.find(({ base, last }) => base < cumulativeUnits && cumulativeUnits <= last)!;
    const steps = Number(claimed!.detail);
    expect(hashesForward(claimed!.proof, steps, range.chainEnd, sha256)).toBe(true);
    expect(rows.every(({ signature }) => signature.length === 64)).toBe(true);
  });

  it('keeps the chain of the opening too, which has no signature of its own', async () => {
    const first = chainOf(2, 10n, 0n);
    const terms = {
      payer: payer.address,
      payee: payee.address,
      depositUnits: DEPOSIT,
      salt: randomBytes(32),
      validUntilMs: kit.time.nowMs + 60_000n,
    };
    const digest = kit.digests.openChannel({ ...terms, ticks: first.ticks });
    const signature = Buffer.from(sign(digest, payer.privateKey));
    const request = { ...terms, signature, signer: '' };
    const based = { ...first.ticks, baseUnits: 1n };
    expect(reason(await kit.use.channels.open({ ...request, ticks: based }))).toBe('MALFORMED');
    const channel = value(await kit.use.channels.open({ ...request, ticks: first.ticks }));
    await apply(channel, tick(channel, first, 2));
    value(await commit(channel, chainOf(2, 10n, 20n)));
    const rows = await kit.database.sql<{ chainEnd: Buffer; signature: Buffer | null }[]>`
      select chain_end as "chainEnd", signature from ledger.tick_commitments
      where channel_no = ${channel.channelNo} order by base_units`;
    expect(rows.map((row) => row.signature?.length)).toEqual([undefined, 64]);
    expect(rows[0]?.chainEnd.equals(first.ticks.chainEnd)).toBe(true);
    // A repeat of the opening still returns the channel, by its own terms.
    const repeated = value(await kit.use.channels.open({ ...request, ticks: first.ticks }));
    expect(repeated.tickBaseUnits).toBe(20n);
  });

  it('changes nothing when repeated, even after its validity and a later chain', async () => {
    const channel = await open();
    const first = chainOf(2, 10n, 0n);
    const request = signed(channel.channelId, first.ticks);
    value(await kit.use.ticks.commit(request));
    await apply(channel, tick(channel, first, 2));
    const second = chainOf(2, 10n, 20n);
    value(await commit(channel, second));
    kit.time.nowMs += 120_000n;
    expect(value(await kit.use.ticks.commit(request))).toMatchObject({ tickBaseUnits: 20n });
    const otherTerms = { ...first, ticks: { ...first.ticks, baseUnits: 40n } };
    expect(reason(await commit(channel, otherTerms))).toBe('ID_REUSED');
    const present = { ...second, ticks: { ...second.ticks, tickValueUnits: 1n } };
    expect(reason(await commit(channel, present))).toBe('ID_REUSED');
  });

  it('refuses with the first reason that applies', async () => {
    const channel = await open();
    await apply(channel, claim(channel, 100n));
    const closing = await open();
    value(await kit.close(payer, closing.channelId));
    const good = chainOf(5, 10n, 100n).ticks;
    const id = channel.channelId;
    const stranger = await kit.account();
    const cases = [
      ['MALFORMED', signed(id.subarray(1), good)],
      ['MALFORMED', { ...signed(id, good), ticks: undefined }],
      ['MALFORMED', signed(id, { ...good, chainEnd: good.chainEnd.subarray(1) })],
      ['MALFORMED', signed(id, { ...good, tickValueUnits: 0n })],
      ['MALFORMED', signed(id, { ...good, ticksMax: 0n })],
      ['MALFORMED', { ...signed(id, good), ticks: { ...good, baseUnits: -1n } }],
      ['MALFORMED', { ...signed(id, good), validUntilMs: 0n }],
      ['MALFORMED', signed(id, good, { validUntilMs: kit.time.nowMs * 2n })],
      ['LIMIT_EXCEEDED', signed(id, { ...good, ticksMax: 100_000_001n })],
      ['LIMIT_EXCEEDED', signed(id, { ...good, baseUnits: (1n << 63n) - 1n })],
      ['CHANNEL_UNKNOWN', signed(randomBytes(32), good)],
      ['BAD_SIGNATURE', signed(id, good, { signer: payee })],
      ['BAD_SIGNATURE', signed(id, good, { signer: stranger })],
      ['BAD_SIGNATURE', { ...signed(id, good), ticks: { ...good, baseUnits: 101n } }],
      ['EXPIRED', signed(id, good, { validUntilMs: kit.time.nowMs - 1n })],
      ['CHANNEL_CLOSED', signed(closing.channelId, good)],
      ['SUPERSEDED', signed(id, { ...good, baseUnits: 99n })],
      ['ABOVE_DEPOSIT', signed(id, { ...good, baseUnits: DEPOSIT - 9n })],
    ] as const;
    for (const [expected, request] of cases) {
      expect(reason(await kit.use.ticks.commit(request))).toBe(expected);
    }
    value(await kit.use.ticks.commit(signed(id, { ...good, baseUnits: DEPOSIT - 10n })));
  });
});
