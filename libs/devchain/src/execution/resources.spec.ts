import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newAccount } from '../state/accounts.js';
import {
  chargeBandwidth,
  energyAllowance,
  energyLimit,
  netLimit,
  splitEnergy,
  use,
  usedNow,
} from './resources.js';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const account = (change = {}) => ({ ...newAccount(NOW), balanceSun: 10_000_000n, ...change });

describe('usage', () => {
  it('decays to zero over a day', () => {
    const usage = use({ amount: 0, atMs: 0 }, 600, NOW);
    expect([0, DAY / 2, DAY].map((after) => usedNow(usage, NOW + after))).toEqual([600, 300, 0]);
    expect(use(usage, 100, NOW + DAY / 2)).toEqual({ amount: 400, atMs: NOW + DAY / 2 });
  });

  it('is never more than what was used, also when time runs backwards', () => {
    expect(usedNow({ amount: 5, atMs: NOW }, NOW - DAY)).toBe(5);
  });
});

describe('bandwidth', () => {
  it('comes from the stake, then the free allowance, then TRX', () => {
    const staked = account({ frozenNetSun: 1_000_000_000n });
    expect(netLimit(staked)).toBe(1661);
    expect(chargeBandwidth(staked, 300, false, NOW)).toMatchObject({
      usage: 300,
      feeSun: 0n,
      change: { net: { amount: 300 } },
    });
    expect(chargeBandwidth(account(), 300, false, NOW)).toMatchObject({
      usage: 300,
      feeSun: 0n,
      change: { freeNet: { amount: 300 } },
    });
    const used = account({ freeNet: { amount: 400, atMs: NOW } });
    expect(chargeBandwidth(used, 300, false, NOW)).toEqual({
      usage: 0,
      feeSun: 300_000n,
      change: { balanceSun: 9_700_000n },
    });
  });

  it('costs a fixed fee when an account is created', () => {
    expect(chargeBandwidth(account(), 300, true, NOW)).toMatchObject({ feeSun: 100_000n });
  });

  it('cannot be had without any of them', () => {
    const poor = account({ balanceSun: 99_999n });
    expect(chargeBandwidth(poor, 300, true, NOW)).toBeUndefined();
    expect(chargeBandwidth({ ...poor, balanceSun: 1n }, 601, false, NOW)).toBeUndefined();
  });
});

describe('energy', () => {
  const alone = { callerPercent: 100, originLimit: 0, originLeft: 0 };

  it('is bounded by the fee limit and by what the caller has', () => {
    expect(energyLimit(account({ frozenEnergySun: 1_000_000_000n }))).toBe(9473);
    expect(energyAllowance({ left: 0, balanceSun: 1_000_000n }, 500_000n, alone)).toBe(5_000);
    expect(energyAllowance({ left: 0, balanceSun: 100_000n }, 500_000n, alone)).toBe(1_000);
    expect(energyAllowance({ left: 300, balanceSun: 100_000n }, 500_000n, alone)).toBe(1_300);
    expect(energyAllowance({ left: 9_999, balanceSun: 0n }, 500_000n, alone)).toBe(5_000);
  });

  it('is widened by the share of the creator', () => {
    const terms = { callerPercent: 50, originLimit: 400, originLeft: 10_000 };
    expect(energyAllowance({ left: 0, balanceSun: 100_000n }, 100_000n, terms)).toBe(1_400);
    expect(energyAllowance({ left: 0, balanceSun: 0n }, 0n, { ...terms, callerPercent: 0 })).toBe(
      400,
    );
  });

  it('is paid in full by creator, stake and TRX together', () => {
    const number = fc.nat(1_000_000);
    fc.assert(
      fc.property(
        number,
        number,
        fc.integer({ min: 0, max: 100 }),
        number,
        number,
        (used, left, callerPercent, originLimit, originLeft) => {
          const split = splitEnergy(used, left, { callerPercent, originLimit, originLeft });
          expect(split.origin + split.caller + Number(split.feeSun / 100n)).toBe(used);
          expect(split.origin).toBeLessThanOrEqual(Math.min(originLimit, originLeft));
          expect(split.caller).toBeLessThanOrEqual(left);
        },
      ),
    );
  });
});
