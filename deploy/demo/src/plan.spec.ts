import { describe, expect, it } from 'vitest';
import { LOSING_PRICE_UNITS, LOSING_VOLUME_MIB, makePlan, owedForBytes, PAIRS } from './plan.js';

const input = { seed: 7, payments: 24_000, fileMib: 32, withdrawalUnits: 1_100n };

describe('makePlan', () => {
  it('is the same for the same seed and differs for another', () => {
    expect(makePlan(input)).toEqual(makePlan(input));
    expect(makePlan({ ...input, seed: 8 })).not.toEqual(makePlan(input));
  });

  it.each([
    input,
    { ...input, payments: 100, seed: 1 },
    { ...input, fileMib: 64, seed: 2 },
    { ...input, withdrawalUnits: 1_000_000n, seed: 3 },
  ])('covers what each payer means to spend: %o', (given) => {
    const { pairs, pieceBytes } = makePlan(given);
    expect(pairs).toHaveLength(PAIRS);
    expect(pairs.reduce((sum, { payments }) => sum + payments, 0)).toBeGreaterThanOrEqual(
      given.payments,
    );
    const reserves = pairs.filter(({ kind }) => kind === 'lease').map((p) => p.reservePriceUnits);
    const losing = LOSING_PRICE_UNITS * LOSING_VOLUME_MIB;
    for (const pair of pairs) {
      const owed = pair.amountUnits * BigInt(pair.payments);
      expect(owed).toBeGreaterThanOrEqual(2n * given.withdrawalUnits);
      expect(pair.depositUnits).toBeGreaterThan(losing);
      if (pair.kind === 'lease' || pair.kind === 'download') {
        expect(pair.priceLimitUnits * pair.volumeMib).toBeLessThan(pair.depositUnits);
        expect(pair.reservePriceUnits * pair.volumeMib).toBeGreaterThanOrEqual(owed);
      } else {
        expect(pair.channelUnits).toBeGreaterThanOrEqual(owed);
        expect(pair.channelUnits + losing).toBeLessThanOrEqual(pair.depositUnits);
      }
      if (pair.kind === 'lease') {
        for (const reserve of reserves) expect(pair.priceLimitUnits).toBeGreaterThan(reserve);
      }
    }
    const download = pairs[0]!;
    expect(download.payments * pieceBytes).toBe(given.fileMib * 1024 * 1024);
  });

  it('covers the dearest lease for every winner', () => {
    const leases = makePlan(input).pairs.filter(({ kind }) => kind === 'lease');
    const least = leases.map((p) => p.reservePriceUnits * p.volumeMib).sort()[0]!;
    for (const { amountUnits, payments } of leases) {
      expect(amountUnits * BigInt(payments)).toBeLessThanOrEqual(least);
    }
  });
});

describe('owedForBytes', () => {
  it('waives parts of a unit', () => {
    expect(owedForBytes(10n, 1024 * 1024)).toBe(10n);
    expect(owedForBytes(10n, 1024 * 100)).toBe(0n);
    expect(owedForBytes(7n, 3 * 512 * 1024)).toBe(10n);
  });
});
