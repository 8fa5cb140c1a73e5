import { describe, expect, it, test } from 'vitest';
import { SUPPLY_UNITS } from '#libs/domain';
import { applyDecision, type Resolution, resolutionProblem } from './resolution.js';
import { DEPOSIT } from './states.js';

const OWN = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const ACCOUNT = 'TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC';
const sound: Resolution = {
  resolutionId: new Uint8Array(32),
  txid: new Uint8Array(32),
  index: 0,
  decision: { kind: 'credit', account: ACCOUNT },
  reason: 'ticket 12',
  operator: 'operator',
};
const credit = { kind: 'credit', account: ACCOUNT } as const;
const dismiss = { kind: 'dismiss' } as const;

describe('a resolution', () => {
  it('is fit with an id, a deposit, a reason and a name', () => {
    expect(resolutionProblem(sound, new Set([OWN]))).toBeUndefined();
    expect(resolutionProblem({ ...sound, decision: dismiss }, new Set())).toBeUndefined();
  });

  test.each<[string, Partial<Resolution>]>([
    ['a short id', { resolutionId: new Uint8Array(31) }],
    ['a long transaction', { txid: new Uint8Array(33) }],
    ['an index below 0', { index: -1 }],
    ['a broken index', { index: 0.5 }],
    ['no reason', { reason: '' }],
    ['a reason of blanks', { reason: '      ' }],
    ['an endless reason', { reason: 'x'.repeat(257) }],
    ['a reason that cannot be kept', { reason: 'zero\0byte' }],
    ['no name', { operator: ' ' }],
    ['a name that cannot be kept', { operator: 'half \ud800' }],
    ['an endless name', { operator: 'x'.repeat(65) }],
    ['no account', { decision: { kind: 'credit', account: 'nobody' } }],
    ["the ledger's own account", { decision: { kind: 'credit', account: OWN } }],
  ])('is malformed with %s', (_case, change) => {
    expect(resolutionProblem({ ...sound, ...change }, new Set([OWN]))?.reason).toBe('MALFORMED');
  });
});

describe('a decision', () => {
  const waiting = {
    state: DEPOSIT.held,
    asset: 'TRC20_BTT',
    baseUnits: 7n * 10n ** 15n + 1n,
  } as const;

  test.each([DEPOSIT.held, DEPOSIT.misdirected, DEPOSIT.suspense])(
    'credits what waits in state %s, in whole units of what the chain moved',
    (state) => {
      expect(applyDecision({ ...waiting, state }, credit)).toEqual({
        ok: true,
        value: { state: DEPOSIT.resolving, units: 7n },
      });
    },
  );

  test.each([DEPOSIT.seen, DEPOSIT.credited, DEPOSIT.dust, DEPOSIT.resolving, DEPOSIT.dismissed])(
    'does not touch what is in state %s',
    (state) => {
      for (const decision of [credit, dismiss]) {
        expect(applyDecision({ ...waiting, state }, decision)).toMatchObject({
          reason: 'NOT_FOUND',
        });
      }
    },
  );

  it('dismisses what is not booked, and only that', () => {
    expect(applyDecision(waiting, dismiss)).toMatchObject({ value: { state: DEPOSIT.dismissed } });
    expect(applyDecision({ ...waiting, state: DEPOSIT.suspense }, dismiss)).toMatchObject({
      reason: 'NOT_PERMITTED',
    });
  });

  it('credits no amount that cannot be, but lets it be dismissed', () => {
    const asset = 'TRC10_BTTOLD' as const;
    for (const baseUnits of [0n, SUPPLY_UNITS + 1n]) {
      const deposit = { state: DEPOSIT.held, asset, baseUnits };
      expect(applyDecision(deposit, credit)).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
      expect(applyDecision(deposit, dismiss)).toMatchObject({ value: { units: 0n } });
    }
    const most = { state: DEPOSIT.held, asset, baseUnits: SUPPLY_UNITS };
    expect(applyDecision(most, credit)).toMatchObject({ value: { units: SUPPLY_UNITS } });
  });
});
