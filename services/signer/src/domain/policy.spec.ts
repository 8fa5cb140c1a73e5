import { describe, expect, it } from 'vitest';
import { History, type SignedRecord } from './history.js';
import { checkPolicy, type Intent, type Past, type Policy } from './policy.js';

const [owner, vault, trc20, payee] = ['Towner', 'Tvault', 'Ttoken', 'Tpayee'];
const place = { chainId: 1n, owner, vault, trc20, trc10Id: '1002000' };
const policy: Policy = {
  payeesMax: 2,
  transactionUnitsMax: 100n,
  windowMs: 1_000n,
  windowUnitsMax: 250n,
  windowTransactionsMax: 4,
  feeLimitMaxSun: 10n,
  lifeMaxMs: 60n,
  attemptsMax: 3,
};
const intent: Intent = {
  owner,
  expirationMs: 1_060n,
  feeLimitSun: 10n,
  units: 100n,
  payees: [payee],
  pays: true,
  subject: { key: 'batch 1', contents: 'x' },
  epoch: undefined,
};
const past: Past = { windowUnits: 0n, windowTransactions: 0, subject: undefined, lastEpoch: 0n };
const NOW = 1_000n;

describe('checkPolicy', () => {
  it('allows what is just within every bound', () => {
    expect(checkPolicy(intent, place, policy, past, NOW)).toBeUndefined();
    const full = { ...past, windowUnits: 150n, windowTransactions: 3 };
    expect(checkPolicy(intent, place, policy, full, NOW)).toBeUndefined();
    const again = { ...past, subject: { contents: 'x', attempts: 2 } };
    expect(checkPolicy(intent, place, policy, again, NOW)).toBeUndefined();
  });

  it.each<[string, Partial<Intent>, Partial<Past>, string]>([
    ['another sender', { owner: payee }, {}, 'WRONG_OWNER'],
    ['expired', { expirationMs: 1_000n }, {}, 'EXPIRATION'],
    ['too long a life', { expirationMs: 1_061n }, {}, 'EXPIRATION'],
    ['too high a fee limit', { feeLimitSun: 11n }, {}, 'FEE_LIMIT'],
    ['too many payees', { payees: [payee, payee, payee] }, {}, 'PAYEES'],
    ['a payee of the ledger itself', { payees: [payee, vault] }, {}, 'PAYEES'],
    ['nothing paid', { units: 0n }, {}, 'AMOUNT'],
    ['too much at once', { units: 101n }, {}, 'AMOUNT'],
    ['other contents', {}, { subject: { contents: 'y', attempts: 1 } }, 'CHANGED'],
    ['signed too often', {}, { subject: { contents: 'x', attempts: 3 } }, 'SIGNED_TOO_OFTEN'],
    ['an epoch that falls', { epoch: 4n, units: 0n, pays: false }, { lastEpoch: 4n }, 'CHANGED'],
    [
      'an epoch that leaps',
      { epoch: 1_000_005n, units: 0n, pays: false },
      { lastEpoch: 4n },
      'CHANGED',
    ],
    ['too much within the window', {}, { windowUnits: 151n }, 'WINDOW'],
    ['too many within the window', {}, { windowTransactions: 4 }, 'WINDOW'],
  ])('refuses %s', (_name, change, before, reason) => {
    const judged = checkPolicy(
      { ...intent, ...change },
      place,
      policy,
      { ...past, ...before },
      NOW,
    );
    expect(judged?.reason).toBe(reason);
  });

  it('lets an epoch be signed again, and the next one', () => {
    const epoch = { ...intent, epoch: 4n, units: 0n, pays: false };
    const again = { ...past, lastEpoch: 4n, subject: { contents: 'x', attempts: 1 } };
    expect(checkPolicy(epoch, place, policy, again, NOW)).toBeUndefined();
    const next = { ...past, lastEpoch: 3n };
    expect(checkPolicy(epoch, place, policy, next, NOW)).toBeUndefined();
  });
});

describe('History', () => {
  const record = (atMs: bigint, key: string, change: Partial<SignedRecord> = {}): SignedRecord => ({
    atMs,
    txid: `${key}${atMs}`,
    units: 100n,
    key,
    contents: 'x',
    epoch: 0n,
    ...change,
  });

  it('counts a batch once within the window and a transfer each time', () => {
    const history = new History(1_000n);
    for (const [atMs, key] of [
      [1n, 'batch 1'],
      [2n, 'batch 1'],
      [3n, ''],
      [4n, ''],
    ] as const) {
      history.add(record(atMs, key));
    }
    const seen = history.past('batch 2', 5n);
    expect(seen).toMatchObject({ windowUnits: 300n, windowTransactions: 4, subject: undefined });
    // The batch itself may be signed again without its own amount standing in its way.
    expect(history.past('batch 1', 5n)).toMatchObject({
      windowUnits: 200n,
      subject: { contents: 'x', attempts: 2 },
    });
  });

  it('forgets amounts with time, but never what a batch contains', () => {
    const history = new History(1_000n);
    history.add(record(1n, 'batch 1', { epoch: 7n }));
    expect(history.has('batch 11')).toBe(true);
    expect(history.past('batch 1', 2_000n)).toEqual({
      windowUnits: 0n,
      windowTransactions: 0,
      subject: { contents: 'x', attempts: 1 },
      lastEpoch: 7n,
    });
    history.add(record(2_000n, 'batch 2'));
    expect(history.has('batch 11')).toBe(false);
    expect(history.past('batch 1', 2_000n).subject).toEqual({ contents: 'x', attempts: 1 });
  });

  it('does not forget for a clock that goes astray and comes back', () => {
    const history = new History(1_000n);
    history.add(record(10n, 'batch 1'));
    expect(history.past('batch 2', 1_000_000n).windowUnits).toBe(0n);
    expect(history.past('batch 2', 11n).windowUnits).toBe(100n);
  });
});
