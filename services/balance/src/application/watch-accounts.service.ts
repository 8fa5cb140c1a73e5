import type { Balances } from '#libs/contracts';
import type { Logger } from '#libs/observability';
import type { StatementRepository } from '../repositories/statement.repository.js';
import type { Signer } from './signers.service.js';
import { balancesMessage } from './statements.service.js';

const PERIOD_MS = 250;
const WATCHERS_MAX = 10_000;

type Watcher = {
  readonly signer: Signer;
  readonly send: (balances: Balances) => void;
  last: string;
};

/**
 * Tells watchers when their balances change. One query per period serves all of them, whatever
 * process booked the change, so that no watcher depends on which replica it is connected to.
 */
export class WatchAccountsService {
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly statements: StatementRepository,
    private readonly logger: Logger,
  ) {}

  /** Starts watching, the present balances first; returns how to stop, or undefined when too many watch. */
  watch(signer: Signer, send: (balances: Balances) => void): (() => void) | undefined {
    if (this.#watchers.size >= WATCHERS_MAX) return undefined;
    const watcher: Watcher = { signer, send, last: '' };
    this.#watchers.add(watcher);
    this.#timer ??= setTimeout(() => void this.#round(), 0);
    return () => this.#watchers.delete(watcher);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watchers.clear();
  }

  async #round(): Promise<void> {
    try {
      const numbers = [...new Set([...this.#watchers].map((w) => w.signer.accountNo))];
      const rows = await this.statements.balances(numbers);
      const byNo = new Map(rows.map((row) => [row.accountNo, row]));
      for (const watcher of this.#watchers) {
        const row = byNo.get(watcher.signer.accountNo);
        if (row === undefined) continue;
        const text = Object.values(row).join();
        if (text === watcher.last) continue;
        watcher.last = text;
        watcher.send(balancesMessage(watcher.signer.address, row));
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'watched balances could not be read, trying again');
    }
    this.#timer =
      this.#watchers.size === 0 ? undefined : setTimeout(() => void this.#round(), PERIOD_MS);
  }
}
