import { describe, expect, it } from 'vitest';
import { FAILURES_MAX, FAILURES_PER_SECOND, FailureBudget } from './failure-budget.js';

describe('FailureBudget', () => {
  it('is spent after its maximum and refills with time', () => {
    const budget = new FailureBudget(0n);
    budget.charge(FAILURES_MAX - 1, 0n);
    expect(budget.isSpent(0n)).toBe(false);
    budget.charge(1, 0n);
    expect(budget.isSpent(0n)).toBe(true);
    expect(budget.isSpent(1_000n)).toBe(false);
  });

  it('makes a debt wait as long as it is large', () => {
    const budget = new FailureBudget(0n);
    budget.charge(FAILURES_MAX + 10 * FAILURES_PER_SECOND, 0n);
    expect(budget.isSpent(10_000n)).toBe(true);
    expect(budget.isSpent(10_100n)).toBe(false);
  });

  it('never holds more than its maximum, and time never takes anything away', () => {
    const budget = new FailureBudget(1_000_000n);
    expect(budget.isSpent(0n)).toBe(false);
    budget.charge(FAILURES_MAX, 9_000_000n);
    expect(budget.isSpent(9_000_000n)).toBe(true);
  });
});
