import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';

/** The raw client: tagged templates, int8 as bigint. */
export type Sql = postgres.Sql<{ bigint: bigint }>;

/** The raw client inside a transaction. */
export type TransactionSql = postgres.TransactionSql<{ bigint: bigint }>;

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
    this.sql = postgres(options.url, {
      max: options.connectionsMax,
      idle_timeout: 60,
      connect_timeout: 5,
      // Seconds between attempts: a database that is back is found within two.
      backoff: (attempt) => Math.min(2, 0.1 * 2 ** attempt),
      onnotice: () => undefined,
      types: { bigint: postgres.BigInt },
      connection: {
        application_name: options.applicationName,
        statement_timeout: 30_000,
        idle_in_transaction_session_timeout: 30_000,
        ...(options.role === undefined ? {} : { role: options.role }),
      },
    });
    this.db = drizzle(this.sql);
  }

  /**
   * Runs work in one transaction, READ COMMITTED, and again from the start (at most five times) when
   * Postgres ends it for a deadlock or a serialization failure: nothing of it has happened then.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.sql.begin((sql) => work({ sql, db: this.#drizzleOver(sql) }))) as T;
      } catch (error) {
        if (attempt >= 5 || !isRetriable(error)) throw error;
      }
    }
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
