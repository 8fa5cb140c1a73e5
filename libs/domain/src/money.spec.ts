import { describe, expect, it } from 'vitest';
import { baseUnits, formatUnits, isAmount, SUPPLY_UNITS, UNITS_MAX, unitsFloor } from './money.js';

describe('money', () => {
  it('scales both assets exactly: 1 BTTOLD = 1000 BTT', () => {
    const oneBttold = 1_000_000n;
    expect(unitsFloor('TRC10_BTTOLD', 1_000_000n)).toBe(oneBttold);
    expect(unitsFloor('TRC20_BTT', 1_000n * 10n ** 18n)).toBe(oneBttold);
    expect(baseUnits('TRC20_BTT', oneBttold)).toBe(1_000n * 10n ** 18n);
  });

  it('leaves dust below one unit where it is', () => {
    expect(unitsFloor('TRC20_BTT', 10n ** 15n - 1n)).toBe(0n);
    expect(unitsFloor('TRC20_BTT', 2n * 10n ** 15n + 1n)).toBe(2n);
  });

  it('holds the whole supply in 64 bits', () => {
    expect(SUPPLY_UNITS).toBeLessThan(UNITS_MAX);
    expect(isAmount(UNITS_MAX)).toBe(true);
    expect(isAmount(UNITS_MAX + 1n)).toBe(false);
    expect(isAmount(0n)).toBe(false);
    expect(isAmount(-1n)).toBe(false);
  });

  it.each([
    [0n, '0'],
    [1n, '0.000001'],
    [1_500_000n, '1.5'],
    [-2_000_001n, '-2.000001'],
    [UNITS_MAX, '9223372036854.775807'],
  ])('writes %s units as %s', (units, text) => {
    expect(formatUnits(units)).toBe(text);
  });
});
