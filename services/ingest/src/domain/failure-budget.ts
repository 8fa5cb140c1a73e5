/** Checks that may fail in a row: about 13 ms of one core. */
export const FAILURES_MAX = 256;

/** Failed checks a second that a connection may cost for ever: a third of a percent of one core. */
export const FAILURES_PER_SECOND = 64;

/**
 * What the failed payments of one connection may cost, in signature checks: a bucket that refills
 * with time. Honest senders hardly touch it; one that sends garbage is refused unread while its
 * bucket is empty. It may fall below zero, by one flush at most, and that debt is waited off too.
 */
export class FailureBudget {
  #left = FAILURES_MAX;
  #asOfMs: bigint;

  constructor(nowMs: bigint) {
    this.#asOfMs = nowMs;
  }

  /** Pays for a check that failed. */
  charge(cost: number, nowMs: bigint): void {
    this.#refill(nowMs);
    this.#left -= cost;
  }

  /** True while nothing more of this connection is looked at. */
  isSpent(nowMs: bigint): boolean {
    this.#refill(nowMs);
    return this.#left <= 0;
  }

  #refill(nowMs: bigint): void {
    if (nowMs <= this.#asOfMs) return;
    const refill = (Number(nowMs - this.#asOfMs) * FAILURES_PER_SECOND) / 1000;
    this.#left = Math.min(FAILURES_MAX, this.#left + refill);
    this.#asOfMs = nowMs;
  }
}
