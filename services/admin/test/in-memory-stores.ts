import type { AttemptStore, AuditEntry, AuditLog, SessionStore } from '../src/application/ports.js';
import { type Attempts, NO_ATTEMPTS } from '../src/domain/lockout.js';
import type { Session } from '../src/domain/session.js';

/** The stores of operators' sessions without a database, for tests of the rules. */
export class InMemoryStores implements SessionStore, AuditLog {
  readonly sessions = new Map<string, Session>();
  readonly entries: AuditEntry[] = [];
  readonly counts = new Map<string, Attempts>();
  /** While set, every call fails with it, as when Postgres is away. */
  outage: Error | undefined;

  readonly attempts: AttemptStore = {
    change: async (address, decide) => {
      this.#assertUp();
      const { next, value } = decide(this.counts.get(address) ?? NO_ATTEMPTS);
      if (next === undefined) this.counts.delete(address);
      else this.counts.set(address, next);
      return value;
    },
    removeOlderThan: async () => this.#assertUp(),
  };

  async insert(session: Session): Promise<void> {
    this.#assertUp();
    this.sessions.set(session.tokenHash.toString('hex'), session);
  }

  async find(tokenHash: Buffer): Promise<Session | undefined> {
    this.#assertUp();
    return this.sessions.get(tokenHash.toString('hex'));
  }

  async remove(tokenHash: Buffer): Promise<void> {
    this.#assertUp();
    this.sessions.delete(tokenHash.toString('hex'));
  }

  async removeExpired(): Promise<void> {
    this.#assertUp();
  }

  async append(entry: AuditEntry): Promise<void> {
    this.#assertUp();
    this.entries.push(entry);
  }

  #assertUp(): void {
    if (this.outage !== undefined) throw this.outage;
  }
}
