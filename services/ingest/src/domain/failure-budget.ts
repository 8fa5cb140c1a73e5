/** Checks that may fail in a row, about 2 ms of one core: 50 a second are cut off within a second. */
export const FAILURES_MAX = 32;

/** Failed checks a second that a sender may cost for ever: half a thousandth of one core. */
export const FAILURES_PER_SECOND = 8;

/** More than this is not held against a sender: an honest one's worst mistake is waited off in half a minute. */
export const DEBT_MAX = 240;

/** Who pays for failed payments. */
export type Budget = {
  /** Pays for a check that failed. */
  charge(cost: number, nowMs: number): void;
  /** True while nothing more of this sender is looked at. */
  isSpent(nowMs: number): boolean;
};

/**
 * What the failed payments of one sender may cost, in signature checks: a bucket that refills
 * with time. Honest senders hardly touch it; one that sends garbage is refused unread while its
 * bucket is empty. One flush may take it below zero; that debt is waited off too, up to {@link DEBT_MAX}.
 */
export class FailureBudget implements Budget {
  #left = FAILURES_MAX;
  #asOfMs: number;

  constructor(nowMs: number) {
    this.#asOfMs = nowMs;
  }

  charge(cost: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#left = Math.max(this.#left - cost, -DEBT_MAX);
  }

  isSpent(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#left <= 0;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#asOfMs) return;
    const refill = ((nowMs - this.#asOfMs) * FAILURES_PER_SECOND) / 1000;
    this.#left = Math.min(FAILURES_MAX, this.#left + refill);
    this.#asOfMs = nowMs;
  }
}

/** Two budgets that both pay, of which one is enough to be spent: an account's and its connection's. */
export class JointBudget implements Budget {
  constructor(
    private readonly one: Budget,
    private readonly other: Budget,
  ) {}

  charge(cost: number, nowMs: number): void {
    this.one.charge(cost, nowMs);
    this.other.charge(cost, nowMs);
  }

  isSpent(nowMs: number): boolean {
    return this.one.isSpent(nowMs) || this.other.isSpent(nowMs);
  }
}
