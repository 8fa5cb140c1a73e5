import {
  type Budget,
  CONNECTION_FAILURES,
  FailureBudget,
  type FailureLimits,
  JointBudget,
  SENDER_FAILURES,
} from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock } from './ports.js';

/**
 * The failure budgets of the latest senders. One that posts without a session is its connection; a packed
 * stream's sender is its session's account, and its connection pays for all accounts together.
 */
export class Senders {
  readonly #budgets = new Map<string, FailureBudget>();

  constructor(private readonly clock: Clock) {}

  /** Of all calls of a connection that name no account. */
  ofConnection(peer: string): Budget {
    return this.#budgetOf(`calls of ${peer}`, SENDER_FAILURES);
  }

  /** Of what is sent before anybody knows whose it is: the packed streams of a connection. */
  ofStreams(peer: string): Budget {
    return this.#budgetOf(`streams of ${peer}`, CONNECTION_FAILURES);
  }

  /** Of a packed stream: its account's, and its connection's for all its streams. */
  ofAccount(account: string, peer: string): Budget {
    return new JointBudget(this.#budgetOf(account, SENDER_FAILURES), this.ofStreams(peer));
  }

  #budgetOf(sender: string, limits: FailureLimits): FailureBudget {
    const known = this.#budgets.get(sender);
    if (known !== undefined) {
      this.#budgets.delete(sender);
      this.#budgets.set(sender, known);
      return known;
    }
    const budget = new FailureBudget(Number(this.clock.nowMs()), limits);
    this.#budgets.set(sender, budget);
    if (this.#budgets.size > INGEST_LIMITS.sendersMax) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    return budget;
  }
}
