import { describe, expect, it, test } from 'vitest';
import {
  checkAmount,
  checkDay,
  dayEndsAtMs,
  dayOf,
  expectedAtMs,
  feeOf,
  leftOfDay,
} from './withdrawal-limits.js';

const limits = {
  minUnits: 10n,
  maxUnits: 100n,
  feeUnits: 4n,
  claimFeeUnits: 1n,
  accountDayUnits: 150n,
  ledgerDayUnits: 200n,
};

test.each([
  [9n, 'WITHDRAWAL_LIMIT'],
  [10n, undefined],
  [100n, undefined],
  [101n, 'WITHDRAWAL_LIMIT'],
])('an amount of %s units: %s', (units, reason) => {
  expect(checkAmount(limits, units)?.reason).toBe(reason);
});

test.each([
  ['nothing yet', 0n, 0n, 150n, undefined],
  ['all that is left to the account', 60n, 60n, 90n, undefined],
  ['one more than that', 60n, 60n, 91n, 'this account may withdraw 90 units more today'],
  ['all that is left to the ledger', 0n, 120n, 80n, undefined],
  ['one more than that', 0n, 120n, 81n, 'the ledger pays out 80 units more today'],
  ['a limit that was lowered meanwhile', 170n, 170n, 10n, 'this account may withdraw 0 units'],
])('a day with %s', (_case, account, ledger, units, text) => {
  const refusal = checkDay(limits, { account, ledger }, units);
  if (text === undefined) expect(refusal).toBeUndefined();
  else
    expect(refusal).toMatchObject({
      reason: 'WITHDRAWAL_LIMIT',
      detail: expect.stringContaining(text),
    });
});

test('a claim has a fee of its own', () => {
  expect([feeOf(limits, false), feeOf(limits, true)]).toEqual([4n, 1n]);
});

describe('days', () => {
  it('begin at midnight UTC', () => {
    const midnight = 86_400_000n * 20_000n;
    expect([dayOf(midnight - 1n), dayOf(midnight)]).toEqual([19_999, 20_000]);
    expect(dayEndsAtMs(midnight - 1n)).toBe(midnight);
    expect(dayEndsAtMs(midnight)).toBe(midnight + 86_400_000n);
  });

  it('leave nothing below zero', () => {
    expect(leftOfDay(limits, { account: 999n, ledger: 999n })).toEqual({ account: 0n, ledger: 0n });
  });
});

test.each([
  [0n, 1n],
  [9_999n, 1n],
  [10_000n, 2n],
  [25_000n, 3n],
])('%s withdrawals ahead are in the run after %s periods', (position, periods) => {
  const pace = { periodMs: 60_000n, payoutsPerRun: 10_000n };
  expect(expectedAtMs(pace, position, 7n)).toBe(7n + periods * 60_000n);
});
