import { FailureBudget } from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock } from './ports.js';

/**
 * The failure budget of each sender, as long as it is among the latest that sent something. A sender is
 * a connection; a packed stream has its connection's and that of its session's account.
 */
export class Senders {
  readonly #budgets = new Map<string, FailureBudget>();

  constructor(private readonly clock: Clock) {}

  budgetOf(sender: string): FailureBudget {
    const known = this.#budgets.get(sender);
    if (known !== undefined) {
      this.#budgets.delete(sender);
      this.#budgets.set(sender, known);
      return known;
    }
    const budget = new FailureBudget(Number(this.clock.nowMs()));
    this.#budgets.set(sender, budget);
    if (this.#budgets.size > INGEST_LIMITS.sendersMax) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    return budget;
  }
}
