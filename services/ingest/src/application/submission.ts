import { refuse } from '#libs/domain';
import type { Claim, Outcome } from '../domain/claim.js';
import type { FailureBudget } from '../domain/failure-budget.js';

/** One request's payments on their way to an answer: an outcome each, the first one counts. */
export class Submission {
  /** Resolves when every payment has its outcome, in the request's order. */
  readonly answered: Promise<Outcome[]>;
  readonly #outcomes: (Outcome | undefined)[];
  readonly #taken: Uint8Array;
  #open: number;
  #resolve: (outcomes: Outcome[]) => void = () => undefined;

  constructor(items: number) {
    this.#outcomes = new Array<Outcome | undefined>(items).fill(undefined);
    this.#taken = new Uint8Array(items);
    this.#open = items;
    this.answered = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (items === 0) this.#resolve([]);
  }

  isOpen(at: number): boolean {
    return this.#outcomes[at] === undefined;
  }

  /** Sets the outcome of one payment, unless it has one. */
  settle(at: number, outcome: Outcome): void {
    if (!this.isOpen(at)) return;
    this.#outcomes[at] = outcome;
    this.#open--;
    if (this.#open === 0) this.#resolve(this.#outcomes as Outcome[]);
  }

  /** Notes that a flush has taken the payment up: from now on it may get written. */
  take(at: number): void {
    this.#taken[at] = 1;
  }

  /** Answers all that is still open when time is up: what no flush took up has changed nothing. */
  expire(): void {
    for (let at = 0; at < this.#taken.length; at++) {
      this.settle(
        at,
        this.#taken[at] === 1
          ? refuse('OUTCOME_UNKNOWN', 'the voucher log has not confirmed it; send it again')
          : refuse('UNAVAILABLE', 'the voucher log is behind; nothing was accepted, send it again'),
      );
    }
  }
}

/** A claim waiting for its flush. */
export type QueuedClaim = Claim & {
  readonly submission: Submission;
  readonly at: number;
  readonly sender: FailureBudget;
};
