/** What a sender's failures may cost, in signature checks. */
export type FailureLimits = {
  /** Checks that may fail in a row. */
  readonly max: number;
  /** Failed checks a second that a sender may cost for ever. */
  readonly perSecond: number;
};

/**
 * Of one account, or of a connection that names none: about 2 ms of one core at once, half a thousandth of
 * it for ever. A sender of 50 failures a second is cut off within a second.
 */
export const SENDER_FAILURES: FailureLimits = { max: 32, perSecond: 8 };

/**
 * Of all packed streams of one connection together: eight senders' worth, so that a gateway's other
 * accounts go on when one sends garbage, and accounts made by the dozen gain no more than connections would.
 */
export const CONNECTION_FAILURES: FailureLimits = { max: 256, perSecond: 64 };

/** Debt beyond so many seconds of refill is forgiven: the worst mistake is waited off in half a minute. */
export const DEBT_SECONDS = 30;

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
 * bucket is empty. One flush may take it below zero; that debt is waited off too, up to {@link DEBT_SECONDS}.
 */
export class FailureBudget implements Budget {
  #left: number;
  #asOfMs: number;

  constructor(
    nowMs: number,
    private readonly limits: FailureLimits = SENDER_FAILURES,
  ) {
    this.#left = limits.max;
    this.#asOfMs = nowMs;
  }

  charge(cost: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#left = Math.max(this.#left - cost, -DEBT_SECONDS * this.limits.perSecond);
  }

  isSpent(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#left <= 0;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#asOfMs) return;
    const refill = ((nowMs - this.#asOfMs) * this.limits.perSecond) / 1000;
    this.#left = Math.min(this.limits.max, this.#left + refill);
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
