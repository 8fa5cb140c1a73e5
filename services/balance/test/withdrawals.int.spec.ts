import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Asset, Reason, WithdrawalState } from '#libs/contracts';
import { type KeyPair, sign } from '#libs/crypto';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { loadConfig } from '../src/config.js';
import { ledgerKit, reason, value } from './ledger.kit.js';

// What users of other ledgers complain about: balances that turn to 0 while a withdrawal hangs, limits
// that are only told after the fact, payouts that fail without a word.

const DAY_MS = 86_400_000n;
const { TRC20_BTT, TRC10_BTTOLD } = Asset;
let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url, {
    WITHDRAWAL_ACCOUNT_DAY_UNITS: '10000',
    WITHDRAWAL_LEDGER_DAY_UNITS: '30000',
    WITHDRAWAL_MAX_UNITS: '8000',
    RUN_PAYOUTS_MAX: '2',
  });
  await kit.database.sql`select ledger.ensure_journal_partitions(${kit.time.nowMs}, 60)`;
});

// Each test has a day of its own, and whatever waited before is gone.
beforeEach(async () => {
  kit.time.nowMs = (kit.time.nowMs / DAY_MS + 1n) * DAY_MS + DAY_MS / 2n;
  for (const { withdrawalId } of await kit.repositories.withdrawals.open(0n, 500)) {
    value(await advance(withdrawalId, WithdrawalState.SOLIDIFIED));
  }
});

afterAll(async () => {
  expect((await kit.use.totals.get()).firstDifference).toBe('');
  await kit.database.close();
  await server.drop();
});

const advance = (withdrawalId: Buffer, state: WithdrawalState, note = '') =>
  kit.use.advance.advance({ withdrawalId, state, failure: '', txid: '', note });
const cancel = (owner: KeyPair, withdrawalId: Buffer) => {
  const validUntilMs = kit.time.nowMs + 1_000n;
  const digest = kit.digests.cancelWithdrawal(withdrawalId, validUntilMs);
  const signature = Buffer.from(sign(digest, owner.privateKey));
  return kit.use.withdrawals.cancel({ withdrawalId, validUntilMs, signature });
};
const sessionOf = ({ address: account, privateKey }: KeyPair) => {
  const validUntilMs = kit.time.nowMs + 60_000n;
  const signature = sign(kit.digests.session(account, validUntilMs), privateKey);
  const metadata = new Metadata();
  metadata.set(SESSION_TRAILER, formatSession({ account, validUntilMs, signature }));
  return metadata;
};
const quote = async (amountUnits: bigint, metadata = new Metadata(), asset = TRC20_BTT) =>
  value(await kit.use.quotes.quote({ asset, amountUnits }, metadata));

describe('the limits of a day', () => {
  it('hold for one account, however many requests come at once', async () => {
    const owner = await kit.account(50_000n);
    const all = await Promise.all(Array.from({ length: 12 }, () => kit.withdraw(owner, 3_000n)));
    expect(all.filter(({ ok }) => ok)).toHaveLength(3);
    const refused = all.filter((result) => !result.ok);
    for (const result of refused) {
      expect(result).toMatchObject({
        reason: 'WITHDRAWAL_LIMIT',
        detail: 'this account may withdraw 1000 units more today',
      });
    }
    expect(await kit.available(owner)).toBe(41_000n);
    value(await kit.withdraw(owner, 1_000n));
    expect(reason(await kit.withdraw(owner, 1_000n))).toBe('WITHDRAWAL_LIMIT');
  });

  it('hold for all accounts together, however many requests come at once', async () => {
    const owners = await Promise.all(Array.from({ length: 6 }, () => kit.account(20_000n)));
    const all = await Promise.all(owners.map((owner) => kit.withdraw(owner, 7_000n)));
    expect(all.filter(({ ok }) => ok)).toHaveLength(4);
    expect(all.find(({ ok }) => !ok)).toMatchObject({
      reason: 'WITHDRAWAL_LIMIT',
      detail: 'the ledger pays out 2000 units more today',
    });
  });

  it('count neither what was cancelled nor what was given back, and begin anew at midnight', async () => {
    const owner = await kit.account(50_000n);
    const first = value(await kit.withdraw(owner, 8_000n));
    expect(reason(await kit.withdraw(owner, 8_000n))).toBe('WITHDRAWAL_LIMIT');
    value(await cancel(owner, first.withdrawalId));
    const second = value(await kit.withdraw(owner, 8_000n));
    value(await advance(second.withdrawalId, WithdrawalState.REFUNDED));
    const third = value(await kit.withdraw(owner, 8_000n));
    value(await advance(third.withdrawalId, WithdrawalState.SOLIDIFIED));
    expect(reason(await kit.withdraw(owner, 8_000n))).toBe('WITHDRAWAL_LIMIT');
    kit.time.nowMs = (kit.time.nowMs / DAY_MS + 1n) * DAY_MS;
    const fourth = value(await kit.withdraw(owner, 8_000n));
    // What is given back later frees the day in which it was asked for, not the day after.
    kit.time.nowMs += DAY_MS;
    value(await kit.withdraw(owner, 8_000n));
    value(await cancel(owner, fourth.withdrawalId));
    expect(reason(await kit.withdraw(owner, 8_000n))).toBe('WITHDRAWAL_LIMIT');
  });

  it('are not used up by what is refused or repeated', async () => {
    const [owner, other] = [await kit.account(9_000n), await kit.account(9_000n)];
    const id = randomBytes(32);
    value(await kit.withdraw(owner, 4_000n, id));
    for (let at = 0; at < 3; at++) value(await kit.withdraw(owner, 4_000n, id));
    expect(reason(await kit.withdraw(owner, 8_000n))).toBe('INSUFFICIENT_FUNDS');
    expect(reason(await kit.withdraw(owner, 5_000n, randomBytes(32), TRC10_BTTOLD))).toBe(
      'RESERVE_SHORT',
    );
    expect(reason(await kit.withdraw(other, 4_000n, id))).toBe('ID_REUSED');
    expect(await quote(1_000n, sessionOf(owner))).toMatchObject({ accountLeftUnits: 6_000n });
    expect(await quote(1_000n, sessionOf(other))).toMatchObject({
      accountLeftUnits: 10_000n,
      ledgerLeftUnits: 26_000n,
    });
  });

  it('are forgotten after some days', async () => {
    const owner = await kit.account(9_000n);
    value(await kit.withdraw(owner, 4_000n));
    const today = Number(kit.time.nowMs / DAY_MS);
    const { sql } = kit.database;
    await kit.repositories.withdrawalDays.removeBefore(sql, today);
    const days = await sql<{ day: number }[]>`select distinct day from ledger.withdrawal_days`;
    expect(days).toEqual([{ day: today }]);
  });
});

describe('a quote', () => {
  it('tells fee, limits, place and time before anything is submitted', async () => {
    const owner = await kit.account(9_000n);
    const before = await quote(5_000n, sessionOf(owner));
    const nowMs = kit.time.nowMs;
    expect(before).toMatchObject({
      ...{ feeUnits: 100n, payoutUnits: 4_900n, minUnits: 1_000n, maxUnits: 8_000n },
      ...{ queuePosition: 0n, expectedAtMs: nowMs + 60_000n },
      ...{ accountLeftUnits: 10_000n, ledgerLeftUnits: 30_000n },
      ...{ dayEndsAtMs: (nowMs / DAY_MS + 1n) * DAY_MS, refusal: Reason.UNSPECIFIED },
    });
    for (let at = 0; at < 3; at++) value(await kit.withdraw(owner, 2_000n));
    // Two are paid in a run: the fourth waits for the second one.
    expect(await quote(2_000n, sessionOf(owner))).toMatchObject({
      ...{ queuePosition: 3n, expectedAtMs: nowMs + 120_000n, accountLeftUnits: 4_000n },
    });
  });

  it('tells by which asset a balance can leave now, and how much', async () => {
    await kit.account(9_000n);
    expect(await quote(2_000n, new Metadata(), TRC10_BTTOLD)).toMatchObject({
      reserveUnits: 0n,
      refusal: Reason.RESERVE_SHORT,
      refusalDetail: 'TRC10_BTTOLD can pay out 0 units now',
    });
    expect((await quote(2_000n)).reserveUnits).toBeGreaterThanOrEqual(9_000n);
  });

  it('foretells what the request answers', async () => {
    const owner = await kit.account(9_500n);
    value(await kit.withdraw(owner, 3_000n));
    const cases: [bigint, Asset, string | undefined][] = [
      [999n, TRC20_BTT, 'WITHDRAWAL_LIMIT'],
      [8_001n, TRC20_BTT, 'WITHDRAWAL_LIMIT'],
      [6_501n, TRC20_BTT, 'INSUFFICIENT_FUNDS'],
      [1_000n, TRC10_BTTOLD, 'RESERVE_SHORT'],
      [6_500n, TRC20_BTT, undefined],
      [1_000n, TRC20_BTT, 'INSUFFICIENT_FUNDS'],
    ];
    for (const [units, asset, expected] of cases) {
      const foretold = await quote(units, sessionOf(owner), asset);
      const answer = await kit.withdraw(owner, units, randomBytes(32), asset);
      expect(answer.ok ? undefined : answer.reason).toBe(expected);
      expect(foretold.refusal).toBe(expected === undefined ? 0 : Reason[expected as 'MALFORMED']);
      expect(foretold.refusalDetail).toBe(answer.ok ? '' : answer.detail);
    }
    const rich = await kit.account(20_000n);
    value(await kit.withdraw(rich, 8_000n));
    const foretold = await quote(8_000n, sessionOf(rich));
    const answer = await kit.withdraw(rich, 8_000n);
    expect(answer).toMatchObject({ reason: 'WITHDRAWAL_LIMIT', detail: foretold.refusalDetail });
    expect(foretold).toMatchObject({ accountLeftUnits: 2_000n, refusal: Reason.WITHDRAWAL_LIMIT });
  });

  it('is refused for no asset, no amount, and a session that is wrong', async () => {
    const ask = (asset: Asset, amountUnits: bigint, metadata = new Metadata()) =>
      kit.use.quotes.quote({ asset, amountUnits }, metadata);
    expect(reason(await ask(Asset.UNSPECIFIED, 5_000n))).toBe('ASSET_UNKNOWN');
    expect(reason(await ask(TRC20_BTT, 0n))).toBe('MALFORMED');
    const broken = new Metadata();
    broken.set(SESSION_TRAILER, 'somebody');
    expect(reason(await ask(TRC20_BTT, 5_000n, broken))).toBe('UNAUTHENTICATED');
  });
});

describe('a withdrawal under way', () => {
  it('is in withdrawing, never nowhere, and shows its place, its time and why it waits', async () => {
    const owner = await kit.account(9_000n);
    const first = value(await kit.withdraw(owner, 2_000n));
    const ids = [first.withdrawalId];
    for (let at = 0; at < 2; at++) ids.push(value(await kit.withdraw(owner, 2_000n)).withdrawalId);
    const show = async (id: Buffer) =>
      kit.use.withdrawals.show(value(await kit.use.statements.withdrawal(sessionOf(owner), id)));
    const balances = async () => value(await kit.use.statements.balances(sessionOf(owner)));
    expect(await balances()).toMatchObject({ availableUnits: 3_000n, withdrawingUnits: 6_000n });
    const nowMs = kit.time.nowMs;
    expect(await show(ids[2]!)).toMatchObject({
      ...{ queuePosition: 2n, expectedAtMs: nowMs + 120_000n, note: '', state: 1 },
    });
    value(await advance(ids[0]!, WithdrawalState.PLANNED));
    expect(await show(ids[0]!)).toMatchObject({ queuePosition: 0n, expectedAtMs: 0n, state: 3 });
    expect(await show(ids[2]!)).toMatchObject({ queuePosition: 1n, expectedAtMs: nowMs + 60_000n });
    // A payout that failed once: the state stays, the reason is told, and is gone with the end.
    value(await advance(ids[0]!, WithdrawalState.BROADCAST));
    value(await advance(ids[0]!, WithdrawalState.QUEUED, 'it is tried again'));
    expect(await show(ids[0]!)).toMatchObject({ state: 5, note: 'it is tried again' });
    value(await advance(ids[0]!, WithdrawalState.SOLIDIFIED, 'it is tried again'));
    expect(await show(ids[0]!)).toMatchObject({ state: 7, note: '' });
    value(await advance(ids[0]!, WithdrawalState.QUEUED, 'too late'));
    expect(await show(ids[0]!)).toMatchObject({ state: 7, note: '' });
    expect(await balances()).toMatchObject({ availableUnits: 3_000n, withdrawingUnits: 4_000n });
  });

  it('never overdraws, whatever is asked for at the same time', async () => {
    const [owner, payee] = [await kit.account(5_000n), await kit.account()];
    const asked = await Promise.all([
      ...Array.from({ length: 4 }, () => kit.withdraw(owner, 2_000n)),
      ...Array.from({ length: 4 }, () => kit.transfer(owner, payee.address, 1_500n)),
    ]);
    const left = await kit.available(owner);
    const withdrawn = asked.slice(0, 4).filter(({ ok }) => ok).length;
    const sent = asked.slice(4).filter(({ ok }) => ok).length;
    expect(left).toBeGreaterThanOrEqual(0n);
    expect(left + 2_000n * BigInt(withdrawn) + 1_500n * BigInt(sent)).toBe(5_000n);
    expect(withdrawn + sent).toBeGreaterThan(1);
  });

  it('is cancelled or planned, never both, and its units are where its state says', async () => {
    for (let round = 0; round < 12; round++) {
      kit.time.nowMs += DAY_MS;
      const owner = await kit.account(2_000n);
      const { withdrawalId } = value(await kit.withdraw(owner, 2_000n));
      // Settlement and the owner, each more than once, in both orders.
      const tries = [
        () => cancel(owner, withdrawalId),
        () => advance(withdrawalId, WithdrawalState.PLANNED),
      ];
      if (round % 2 === 1) tries.reverse();
      await Promise.all([...tries, ...tries].map((attempt) => attempt()));
      const after = await kit.repositories.withdrawals.find(withdrawalId);
      const cancelled = after?.state === WithdrawalState.CANCELLED;
      expect(after?.state).toBe(cancelled ? 9 : 3);
      expect(await kit.available(owner)).toBe(cancelled ? 2_000n : 0n);
      // What settlement says from then on changes nothing about a cancelled one.
      value(await advance(withdrawalId, WithdrawalState.SOLIDIFIED));
      expect(await kit.available(owner)).toBe(cancelled ? 2_000n : 0n);
      expect((await cancel(owner, withdrawalId)).ok).toBe(cancelled);
    }
  });

  it('is given back by a posting, with the fee', async () => {
    const owner = await kit.account(5_000n);
    const { withdrawalId } = value(await kit.withdraw(owner, 2_000n));
    value(await advance(withdrawalId, WithdrawalState.REFUNDED));
    const page = value(await kit.use.statements.history(sessionOf(owner), undefined));
    expect(page.items.map(({ kind, amountUnits }) => [kind, amountUnits])).toEqual([
      ['withdraw-refund', 2_000n],
      ['withdraw', -2_000n],
      ['deposit', 5_000n],
    ]);
  });
});

describe('a withdrawal that is claimed', () => {
  const toClaim = (owner: KeyPair, id = randomBytes(32), asset: Asset = TRC20_BTT) =>
    kit.withdraw(owner, 2_000n, id, asset, true);
  const owed = async (owner: KeyPair) => {
    const { accountNo } = (await kit.repositories.accounts.find(owner.address))!;
    return (await kit.repositories.statements.balances([accountNo]))[0]!;
  };

  it('has a fee of its own, which the quote tells with what claiming costs', async () => {
    const owner = await kit.account(9_000n);
    expect((await quote(2_000n)).claim).toEqual({
      feeUnits: 25n,
      payoutUnits: 1_975n,
      savingUnits: 75n,
      payeeEnergy: 72_795n,
    });
    expect((await quote(20n)).claim).toMatchObject({ payoutUnits: 0n });
    expect((await quote(2_000n, new Metadata(), TRC10_BTTOLD)).claim).toBeUndefined();
    const asked = value(await toClaim(owner));
    expect(asked).toMatchObject({ feeUnits: 25n, toClaim: true });
    expect(kit.use.withdrawals.show(asked)).toMatchObject({ toClaim: true, feeUnits: 25n });
  });

  it('is asked for by a signature of its own, of TRC-20 only', async () => {
    const owner = await kit.account(9_000n);
    const id = randomBytes(32);
    const message = {
      withdrawalId: id,
      destination: owner.address,
      amountUnits: 2_000n,
      validUntilMs: kit.time.nowMs + 1_000n,
    };
    const digest = kit.digests.withdraw({ ...message, asset: 'TRC20_BTT' });
    const forged = await kit.use.withdrawals.request({
      ...message,
      asset: TRC20_BTT,
      account: owner.address,
      signature: Buffer.from(sign(digest, owner.privateKey)),
      toClaim: true,
    });
    expect(reason(forged)).toBe('BAD_SIGNATURE');
    expect(await toClaim(owner, id, TRC10_BTTOLD)).toMatchObject({
      reason: 'MALFORMED',
      detail: expect.stringContaining('only TRC-20'),
    });
    value(await toClaim(owner, id));
    value(await toClaim(owner, id));
    expect(reason(await kit.withdraw(owner, 2_000n, id))).toBe('ID_REUSED');
  });

  it.each([
    ['SOLIDIFIED', 7_000n],
    ['REFUNDED', 9_000n],
  ] as const)('counts as open while it is claimable, and ends once: %s', async (end, left) => {
    const owner = await kit.account(9_000n);
    const { withdrawalId } = value(await toClaim(owner));
    value(await advance(withdrawalId, WithdrawalState.CONFIRMED));
    value(await advance(withdrawalId, WithdrawalState.CLAIMABLE, 'until then'));
    // Late reports take it nowhere.
    for (const late of [WithdrawalState.SIGNED, WithdrawalState.CONFIRMED]) {
      value(await advance(withdrawalId, late, 'until then'));
    }
    expect(await owed(owner)).toMatchObject({ available: 7_000n, withdrawing: 2_000n });
    const open = await kit.repositories.withdrawals.open(0n, 500);
    expect(open.map((each) => [each.withdrawalId, each.state, each.note])).toEqual([
      [withdrawalId, WithdrawalState.CLAIMABLE, 'until then'],
    ]);
    expect(reason(await cancel(owner, withdrawalId))).toBe('WITHDRAWAL_NOT_CANCELLABLE');
    expect((await kit.use.totals.get()).firstDifference).toBe('');
    const [first, second] =
      end === 'SOLIDIFIED'
        ? (['SOLIDIFIED', 'REFUNDED'] as const)
        : (['REFUNDED', 'SOLIDIFIED'] as const);
    value(await advance(withdrawalId, WithdrawalState[first]));
    value(await advance(withdrawalId, WithdrawalState[second]));
    value(await advance(withdrawalId, WithdrawalState.CLAIMABLE));
    expect(await owed(owner)).toMatchObject({ available: left, withdrawing: 0n });
    expect(await kit.repositories.withdrawals.open(0n, 500)).toEqual([]);
  });
});

describe('the configuration', () => {
  const env = { WITHDRAWAL_MIN_UNITS: '1000', WITHDRAWAL_FEE_UNITS: '100' };
  const load = (change: Record<string, string>) => () =>
    loadConfig({ ...kit.env, ...env, ...change });

  it('is refused when a withdrawal could be nothing but its fee, or none is possible', () => {
    expect(load({})).not.toThrow();
    expect(load({ WITHDRAWAL_FEE_UNITS: '1000' })).toThrow(/MIN_UNITS must be above/);
    expect(load({ WITHDRAWAL_CLAIM_FEE_UNITS: '101' })).toThrow(
      /CLAIM_FEE_UNITS must not be above/,
    );
    expect(load({ WITHDRAWAL_MAX_UNITS: '999' })).toThrow(/MAX_UNITS must not be below/);
  });
});
