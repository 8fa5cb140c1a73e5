import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarketMatch } from '#libs/contracts';
import { StaleWriterError } from '#libs/kafka';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { claim, finalize, ledgerKit, record, value } from './ledger.kit.js';

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
});

afterAll(async () => {
  expect((await kit.use.totals.get()).firstDifference).toBe('');
  await kit.database.close();
  await server.drop();
});

async function next(part: number): Promise<bigint> {
  return kit.use.vouchers.nextOffset(part);
}

async function quarantined(): Promise<string[]> {
  const rows = await kit.database.sql<{ reason: string }[]>`
    select reason from ledger.quarantine order by quarantine_no`;
  return rows.map((row) => row.reason);
}

describe('the voucher log', () => {
  it('credits the difference, once, and keeps the highest claim', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const at = await next(channel.part);
    await kit.use.vouchers.apply(channel.part, [
      record(at, [claim(channel, 100n), claim(channel, 70n)]),
      record(at + 1n, [claim(channel, 160n)]),
    ]);
    expect(await kit.available(payee)).toBe(160n);
    await kit.use.vouchers.apply(channel.part, [record(at + 2n, [claim(channel, 120n)])]);
    expect(await kit.available(payee)).toBe(160n);
    expect(await next(channel.part)).toBe(at + 3n);
    expect(await quarantined()).toEqual([]);
  });

  it('refuses a writer that has been overtaken and leaves nothing of it', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const at = await next(channel.part);
    const records = [record(at, [claim(channel, 40n)])];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => kit.use.vouchers.apply(channel.part, records)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StaleWriterError);
    }
    expect(await kit.available(payee)).toBe(40n);
  });

  it('gives the remainder back at the end and never moves a claim past it', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    value(await kit.close(payee, channel.channelId));
    const at = await next(channel.part);
    await kit.use.vouchers.apply(channel.part, [
      record(at, [claim(channel, 200n), finalize(channel)]),
      record(at + 1n, [finalize(channel)]),
    ]);
    expect(await kit.available(payee)).toBe(200n);
    expect(await kit.available(payer)).toBe(800n);
    expect(value(await kit.use.channels.describe(channel.channelId)).state).toBe(3);
  });

  it('does not end a channel that nobody asked to close', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const at = await next(channel.part);
    await kit.use.vouchers.apply(channel.part, [record(at, [finalize(channel)])]);
    expect(value(await kit.use.channels.describe(channel.channelId)).state).toBe(1);
    expect(await kit.available(payer)).toBe(500n);
  });

  it('quarantines what cannot be booked and poison, and goes on behind it', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const at = await next(channel.part);
    const broken = { ...record(at, [claim(channel, 1n)]), value: Buffer.from('not a record') };
    await kit.use.vouchers.apply(channel.part, [
      broken,
      record(at + 1n, [claim(channel, 501n)]),
      record(at + 2n, [claim({ ...channel, channelNo: 10n ** 15n }, 5n)]),
    ]);
    const reasons = await quarantined();
    expect(reasons).toContain('unknown magic or version');
    expect(reasons).toContain('above the deposit');
    expect(reasons).toContain('the channel does not exist');
    await kit.use.vouchers.apply(channel.part, [record(at + 3n, [claim(channel, 9n)])]);
    expect(await kit.available(payee)).toBe(9n);
  });

  it('never lets spending and earning at the same moment lose or invent a unit', async () => {
    const [payer, payee] = [await kit.account(100_000n), await kit.account(1_000n)];
    const channel = await kit.channel(payer, payee.address, 50_000n);
    const sink = await kit.account();
    const start = await next(channel.part);
    const earning = (async () => {
      for (let step = 0n; step < 40n; step++) {
        const entry = claim(channel, (step + 1n) * 50n);
        await kit.use.vouchers.apply(channel.part, [record(start + step, [entry])]);
      }
    })();
    const spent = await Promise.all(
      Array.from({ length: 40 }, () => kit.transfer(payee, sink.address, 100n)),
    );
    await earning;
    const paid = BigInt(spent.filter((result) => result.ok).length) * 100n;
    expect(await kit.available(payee)).toBe(1_000n + 2_000n - paid);
    expect(await kit.available(sink)).toBe(paid);
  });
});

describe('market matches', () => {
  const encode = (event: NonNullable<MarketMatch['event']>) =>
    Buffer.from(MarketMatch.encode({ event }).finish());
  const apply = async (events: NonNullable<MarketMatch['event']>[]) => {
    const at = await kit.use.matches.nextOffset(0);
    const records = events.map((event, index) => ({
      offset: at + BigInt(index),
      key: null,
      value: encode(event),
      timestampMs: 0,
    }));
    await kit.use.matches.apply(0, records);
  };

  it('opens the lease from the hold once and releases the rest', async () => {
    const [requester, provider] = [await kit.account(1_000n), await kit.account()];
    const bid = kit.bid(requester, 900n);
    value(await kit.use.holds.place(bid));
    const match = {
      matchId: randomBytes(32),
      roundNo: 1n,
      askId: randomBytes(32),
      bidId: bid.orderId,
      provider: provider.address,
      requester: requester.address,
      swarm: bid.swarm,
      priceUnits: 600n,
      volumeMib: 1n,
      slotRateMib: 1,
      channelId: randomBytes(32),
      depositUnits: 600n,
    };
    const release = { bidId: bid.orderId, cause: 'filled' };
    await apply([
      { $case: 'match', value: match },
      { $case: 'match', value: match },
      { $case: 'release', value: release },
      { $case: 'release', value: release },
    ]);
    const lease = value(await kit.use.channels.describe(match.channelId));
    expect(lease).toMatchObject({ depositUnits: 600n, payer: requester.address, state: 1 });
    expect(await kit.available(requester)).toBe(400n);
  });

  it('quarantines a match that no hold covers and ignores the release of nothing', async () => {
    const requester = await kit.account(1_000n);
    const before = (await quarantined()).length;
    const match = {
      matchId: randomBytes(32),
      roundNo: 1n,
      askId: randomBytes(32),
      bidId: randomBytes(32),
      provider: requester.address,
      requester: requester.address,
      swarm: randomBytes(20),
      priceUnits: 1n,
      volumeMib: 1n,
      slotRateMib: 1,
      channelId: randomBytes(32),
      depositUnits: 1n,
    };
    await apply([
      { $case: 'release', value: { bidId: randomBytes(32), cause: 'expired' } },
      { $case: 'match', value: match },
    ]);
    expect((await quarantined()).slice(before)).toEqual(['the bid has no hold']);
    expect(await kit.available(requester)).toBe(1_000n);
  });
});
