import { FailureBudget } from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock } from './ports.js';

/** The failure budget of each connection, as long as it is among the latest that sent something. */
export class Senders {
  readonly #budgets = new Map<string, FailureBudget>();

  constructor(private readonly clock: Clock) {}

  budgetOf(connection: string): FailureBudget {
    const known = this.#budgets.get(connection);
    if (known !== undefined) {
      this.#budgets.delete(connection);
      this.#budgets.set(connection, known);
      return known;
    }
    const budget = new FailureBudget(this.clock.nowMs());
    this.#budgets.set(connection, budget);
    if (this.#budgets.size > INGEST_LIMITS.sendersMax) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    return budget;
  }
}
