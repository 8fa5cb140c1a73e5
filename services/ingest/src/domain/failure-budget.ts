/** What a sender's failures may cost, in signature checks. */
export type FailureLimits = {
  /** Checks that may fail in a row. */
  readonly max: number;
  /** Failed checks a second that a sender may cost for ever. */
  readonly perSecond: number;
};

/**
 * Of one account, or of a connection's calls that name none: about 2 ms of one core at once, half a thousandth of
 * it for ever. A sender of 50 failures a second is cut off within a second.
 */
export const SENDER_FAILURES: FailureLimits = { max: 32, perSecond: 8 };

/**
 * Of all accounts that use one connection: eight senders' worth, so that a gateway's other accounts go on
 * when one sends garbage, and accounts made by the dozen gain no more than connections would.
 */
export const CONNECTION_FAILURES: FailureLimits = { max: 256, perSecond: 64 };

/**
 * Of everything from one host: sixteen senders' worth, since many may share its address. Connections made
 * by the dozen gain no more.
 */
export const HOST_FAILURES: FailureLimits = { max: 512, perSecond: 128 };

/**
 * Of sessions that name one account which pays, on one host, while those of anybody are not looked at: four that
 * are forged at once, then one a second. They leave the budget of the account's payments alone.
 */
export const NAMED_SESSION_FAILURES: FailureLimits = { max: 16, perSecond: 4 };

/** Debt beyond so many seconds of refill is forgiven: the worst mistake is waited off in half a minute. */
export const DEBT_SECONDS = 30;

/** Who pays for failed payments. */
export type Budget = {
  /** Pays for a check that failed. */
  charge(cost: number, nowMs: number): void;
  /** True while nothing more of this sender is looked at. */
  isSpent(nowMs: number): boolean;
  /** Notes that a payment was accepted. */
  prove(): void;
};

/**
 * What the failed payments of one sender may cost, in signature checks: a bucket that refills
 * with time. Honest senders hardly touch it; one that sends garbage is refused unread while its
 * bucket is empty. One flush may take it below zero; that debt is waited off too, up to {@link DEBT_SECONDS}.
 */
export class FailureBudget implements Budget {
  #left: number;
  #asOfMs: number;
  #isProven = false;

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
    if (this.#left <= 0) this.#isProven = false;
  }

  isSpent(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#left <= 0;
  }

  prove(): void {
    if (this.#left > 0) this.#isProven = true;
  }

  /** True when a payment was accepted since this budget was last spent: an accepted payment costs its payer money. */
  get isProven(): boolean {
    return this.#isProven;
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#asOfMs) return;
    const refill = ((nowMs - this.#asOfMs) * this.limits.perSecond) / 1000;
    this.#left = Math.min(this.limits.max, this.#left + refill);
    this.#asOfMs = nowMs;
  }
}

/**
 * A sender's own budget and those that it shares, its connection's and its host's. All of them pay. While a
 * shared one is spent, only senders go on of whom a payment was accepted since they last spent their own:
 * neither new connections nor new accounts help, and nobody's garbage stops those who pay.
 */
export class SenderBudget implements Budget {
  constructor(
    private readonly own: FailureBudget,
    private readonly shared: readonly Budget[],
    private readonly onProven: () => void = () => undefined,
  ) {}

  charge(cost: number, nowMs: number): void {
    this.own.charge(cost, nowMs);
    for (const budget of this.shared) budget.charge(cost, nowMs);
  }

  isSpent(nowMs: number): boolean {
    if (this.own.isSpent(nowMs)) return true;
    return !this.own.isProven && this.shared.some((budget) => budget.isSpent(nowMs));
  }

  prove(): void {
    this.own.prove();
    if (this.own.isProven) this.onProven();
  }
}
