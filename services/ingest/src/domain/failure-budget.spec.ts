import { describe, expect, it } from 'vitest';
import { DEBT_SECONDS, FailureBudget, JointBudget, SENDER_FAILURES } from './failure-budget.js';

const FAILURES_MAX = SENDER_FAILURES.max;

describe('FailureBudget', () => {
  it('is spent after its maximum and refills with time', () => {
    const budget = new FailureBudget(0);
    budget.charge(FAILURES_MAX - 1, 0);
    expect(budget.isSpent(0)).toBe(false);
    budget.charge(1, 0);
    expect(budget.isSpent(0)).toBe(true);
    expect(budget.isSpent(1_000)).toBe(false);
  });

  it('makes a debt wait as long as it is large', () => {
    const budget = new FailureBudget(0);
    budget.charge(FAILURES_MAX + 10 * SENDER_FAILURES.perSecond, 0);
    expect(budget.isSpent(10_000)).toBe(true);
    expect(budget.isSpent(10_200)).toBe(false);
  });

  it('holds no more against a sender than half a minute repays', () => {
    const budget = new FailureBudget(0);
    budget.charge(1_000_000, 0);
    expect(DEBT_SECONDS).toBe(30);
    expect(budget.isSpent(30_000)).toBe(true);
    expect(budget.isSpent(30_200)).toBe(false);
  });

  it('cuts off 50 failures a second within a second', () => {
    const budget = new FailureBudget(0);
    for (let at = 0; at < 50; at++) budget.charge(1, at * 20);
    expect(budget.isSpent(1_000)).toBe(true);
  });

  it('never holds more than its maximum, and time never takes anything away', () => {
    const budget = new FailureBudget(1_000_000);
    expect(budget.isSpent(0)).toBe(false);
    budget.charge(FAILURES_MAX, 9_000_000);
    expect(budget.isSpent(9_000_000)).toBe(true);
  });
});

describe('JointBudget', () => {
  it('is spent with either, so that neither new accounts nor new connections help', () => {
    const [account, connection] = [new FailureBudget(0), new FailureBudget(0)];
    new JointBudget(account, connection).charge(FAILURES_MAX, 0);
    expect(new JointBudget(account, new FailureBudget(0)).isSpent(0)).toBe(true);
    expect(new JointBudget(new FailureBudget(0), connection).isSpent(0)).toBe(true);
    expect(new JointBudget(new FailureBudget(0), new FailureBudget(0)).isSpent(0)).toBe(false);
  });
});
