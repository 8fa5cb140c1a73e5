import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { runGuarded } from './guarded-transaction.js';
import { promptSockets } from './prompt-socket.js';
import type { Sql, TransactionSql } from './sql.js';

/** Drizzle over either. */
export type Drizzle = PostgresJsDatabase;

/** Service roles; each writes one schema (see migrations/0000_roles.sql). */
export type DatabaseRole =
  | 'swarmledger_balance'
  | 'swarmledger_auction'
  | 'swarmledger_settlement'
  | 'swarmledger_admin';

/** How to connect. */
export type DatabaseOptions = {
  readonly url: string;
  readonly applicationName: string;
  readonly connectionsMax: number;
  /** Taken when connecting; without it the connection keeps the rights of its login. */
  readonly role?: DatabaseRole;
};

/** A bounded pool of connections, for raw SQL and for drizzle. */
export class Database {
  readonly sql: Sql;
  readonly db: Drizzle;

  constructor(options: DatabaseOptions) {
    const settings = {
      max: options.connectionsMax,
      idle_timeout: 60,
      connect_timeout: 5,
      // Seconds between attempts: a database that is back is found within two.
      backoff: (attempt: number) => Math.min(2, 0.1 * 2 ** attempt),
      onnotice: () => undefined,
      socket: promptSockets(),
      types: { bigint: postgres.BigInt },
      connection: {
        application_name: options.applicationName,
        statement_timeout: 30_000,
        idle_in_transaction_session_timeout: 30_000,
        ...(options.role === undefined ? {} : { role: options.role }),
      },
    };
    this.sql = postgres(options.url, settings);
    this.db = drizzle(this.sql);
  }

  /**
   * Runs work in one transaction, READ COMMITTED, and again from the start (at most five times) when
   * Postgres ends it for a deadlock or a serialization failure: nothing of it has happened then.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await runGuarded(this.sql, '', (sql) => work({ sql, db: this.#drizzleOver(sql) }));
      } catch (error) {
        if (attempt >= 5 || !isRetriable(error)) throw error;
      }
    }
  }

  /** Reads in one snapshot: what is committed meanwhile is not seen, and nothing can be written. */
  snapshot<T>(read: (sql: TransactionSql) => Promise<T>): Promise<T> {
    return runGuarded(this.sql, 'isolation level repeatable read read only', read);
  }

  // Drizzle wants the options of a pool; a transaction's client has none of its own.
  #drizzleOver(sql: TransactionSql): Drizzle {
    return drizzle(Object.assign(sql, { options: this.sql.options }) as unknown as Sql);
  }

  /** Throws when Postgres does not answer; for a readiness check. */
  async ping(): Promise<void> {
    await this.sql`select 1`;
  }

  async close(): Promise<void> {
    await this.sql.end({ timeout: 5 });
  }
}

/** Both clients inside one transaction. */
export type Transaction = { readonly sql: TransactionSql; readonly db: Drizzle };

const RETRIABLE = new Set(['40001', '40P01']);

function isRetriable(error: unknown): boolean {
  return error instanceof postgres.PostgresError && RETRIABLE.has(error.code);
}
