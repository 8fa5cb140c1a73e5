import { refuse } from '#libs/domain';
import type { ClaimKind, ClaimRefusal, Outcome } from '../domain/claim.js';
import type { Budget } from '../domain/failure-budget.js';
import { PaymentTally } from './payment-tally.js';

const OPEN = 0;
const TAKEN = 1;
const ANSWERED = 2;

/** How many payments of each kind a request holds; items are numbered in this order. */
export type ItemCounts = {
  readonly vouchers: number;
  readonly ticks: number;
  readonly bundleEntries: number;
};

/**
 * One request's payments on their way to an answer: an outcome each, the first one counts. What is
 * done with the outcomes is the subclass's: the typed API keeps them all, the packed stream only
 * refusals.
 */
export abstract class Submission {
  readonly items: number;
  readonly tally = new PaymentTally();
  readonly #states: Uint8Array;
  readonly #tickAt: number;
  readonly #bundleAt: number;
  #open: number;
  #hasAccepted = false;

  constructor(
    counts: ItemCounts,
    readonly sender: Budget,
  ) {
    this.#tickAt = counts.vouchers;
    this.#bundleAt = counts.vouchers + counts.ticks;
    this.items = this.#bundleAt + counts.bundleEntries;
    this.#states = new Uint8Array(this.items);
    this.#open = this.items;
  }

  isOpen(item: number): boolean {
    return this.#states[item] !== ANSWERED;
  }

  /** Notes that a flush has taken the payment up: from now on it may get written. */
  take(item: number): void {
    if (this.#states[item] === OPEN) this.#states[item] = TAKEN;
  }

  /** Sets the outcome of one payment, unless it has one; `tag` is what its claim carried. */
  settle(item: number, tag: number, outcome: Outcome): void {
    if (this.#states[item] !== OPEN && this.#states[item] !== TAKEN) return;
    this.#states[item] = ANSWERED;
    this.#open--;
    if (outcome.ok) {
      this.tally.accept(this.#kindOf(item));
      this.#hasAccepted = true;
    } else this.tally.refuse(this.#kindOf(item), outcome.reason);
    this.record(item, tag, outcome);
    if (this.#open > 0) return;
    if (this.#hasAccepted) this.sender.prove();
    this.finish();
  }

  /** Gives every payment that is still open the same refusal. */
  refuseAll(refusal: ClaimRefusal): void {
    for (let item = 0; item < this.items; item++) this.settle(item, 0, refusal);
  }

  /** Answers all that is still open when time is up: what no flush took up has changed nothing. */
  expire(): void {
    const unknown = refuse(
      'OUTCOME_UNKNOWN',
      'the voucher log has not confirmed it; send it again',
    );
    const unavailable = refuse(
      'UNAVAILABLE',
      'the voucher log is behind; nothing was accepted, send it again',
    );
    for (let item = 0; item < this.items; item++) {
      this.settle(item, 0, this.#states[item] === TAKEN ? unknown : unavailable);
    }
  }

  /** Called once per item. */
  protected abstract record(item: number, tag: number, outcome: Outcome): void;

  /** Called once, after the last item. */
  protected abstract finish(): void;

  #kindOf(item: number): ClaimKind {
    if (item < this.#tickAt) return 'voucher';
    return item < this.#bundleAt ? 'tick' : 'bundle';
  }
}

/** A request that wants an outcome per payment, in its order. */
export class OutcomeSubmission extends Submission {
  /** Resolves when every payment has its outcome. */
  readonly answered: Promise<Outcome[]>;
  readonly #outcomes: Outcome[];
  #resolve: (outcomes: Outcome[]) => void = () => undefined;

  constructor(counts: ItemCounts, sender: Budget) {
    super(counts, sender);
    this.#outcomes = new Array<Outcome>(this.items);
    this.answered = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (this.items === 0) this.#resolve([]);
  }

  protected override record(item: number, _tag: number, outcome: Outcome): void {
    this.#outcomes[item] = outcome;
  }

  protected override finish(): void {
    this.#resolve(this.#outcomes);
  }
}
