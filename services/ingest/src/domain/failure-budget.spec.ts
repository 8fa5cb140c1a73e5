import { describe, expect, it } from 'vitest';
import { DEBT_SECONDS, FailureBudget, SENDER_FAILURES, SenderBudget } from './failure-budget.js';

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

describe('SenderBudget', () => {
  /** One that is never refilled. */
  const spent = () => {
    const budget = new FailureBudget(0, { max: 1, perSecond: 0 });
    budget.charge(1, 0);
    return budget;
  };

  it('makes all pay, and is spent with any, so that neither new accounts nor new connections help', () => {
    const [account, connection, host] = [0, 0, 0].map(() => new FailureBudget(0)) as [
      FailureBudget,
      FailureBudget,
      FailureBudget,
    ];
    new SenderBudget(account, [connection, host]).charge(FAILURES_MAX, 0);
    const fresh = () => new FailureBudget(0);
    for (const budget of [account, connection, host]) expect(budget.isSpent(0)).toBe(true);
    expect(new SenderBudget(account, [fresh(), fresh()]).isSpent(0)).toBe(true);
    expect(new SenderBudget(fresh(), [connection, fresh()]).isSpent(0)).toBe(true);
    expect(new SenderBudget(fresh(), [fresh(), host]).isSpent(0)).toBe(true);
    expect(new SenderBudget(fresh(), [fresh(), fresh()]).isSpent(0)).toBe(false);
  });

  it('lets a sender go on whose payments are accepted, by its own budget', () => {
    const own = new FailureBudget(0);
    const sender = new SenderBudget(own, [spent()]);
    expect(sender.isSpent(0)).toBe(true);
    sender.prove();
    expect(sender.isSpent(0)).toBe(false);
    expect(new SenderBudget(own, [spent()]).isSpent(0)).toBe(false);
    sender.charge(FAILURES_MAX, 0);
    expect(sender.isSpent(0)).toBe(true);
  });

  it('wants a new proof of a sender that has spent its own budget, and none while it is spent', () => {
    const sender = new SenderBudget(new FailureBudget(0), [spent()]);
    sender.prove();
    sender.charge(FAILURES_MAX, 0);
    sender.prove();
    expect(sender.isSpent(1_000)).toBe(true);
    sender.prove();
    expect(sender.isSpent(1_000)).toBe(false);
  });
});
