import type { SqlFragment, TransactionSql } from '#libs/database';
import type { Address } from '#libs/domain';
import type { TronChain } from '#libs/tron';

/** The contracts and keys on chain that the ledger lives by. */
export type Place = {
  readonly chainId: bigint;
  readonly vault: Address;
  readonly trc10Id: string;
};

/** What checks read: one snapshot of the database, and the solidified chain. */
export type Audit = {
  readonly sql: TransactionSql;
  readonly chain: TronChain;
  readonly place: Place;
  /** Number of the vault's last epoch, read before the snapshot was taken: the database must know it. */
  readonly lastEpoch: bigint;
  /** Tells how many rows were looked at. */
  readonly count: (rows: number) => void;
  /** Tells what agrees only because somebody has said so. */
  readonly note: (text: string) => void;
};

/** One thing to check; throws a DifferenceError at the first row that does not agree. */
export type Check = { readonly name: string; readonly run: (audit: Audit) => Promise<void> };

/** Rows that are in memory at a time. */
export const PAGE_ROWS = 2_000;

/** Lets reading take as long as it takes; plans cursors for reading them to their end, and joins of large tables. */
export async function readAtLeisure(sql: TransactionSql): Promise<void> {
  await sql`select set_config('statement_timeout', '0', true),
    set_config('idle_in_transaction_session_timeout', '0', true),
    set_config('cursor_tuple_fraction', '1', true),
    set_config('work_mem', '64MB', true),
    set_config('max_parallel_workers_per_gather', '0', true)`;
}

/** Numbers of the cursors that are open. A number is used again, since a connection keeps each new text prepared for good. */
const open = new Set<number>();

/**
 * Reads rows page by page. The cursor is one of SQL, not of the driver: that would keep the transaction's only connection
 * to itself, and whoever asks something else between two pages would wait for ever.
 */
export async function* rowsOf<T extends object>(
  { sql, count }: Pick<Audit, 'sql' | 'count'>,
  query: SqlFragment,
  pageRows = PAGE_ROWS,
): AsyncGenerator<T> {
  let number = 0;
  while (open.has(number)) number++;
  open.add(number);
  const name = `verify_rows_${number}`;
  try {
    await sql`declare ${sql(name)} no scroll cursor for ${query}`;
    for (;;) {
      const page = await sql.unsafe<T[]>(`fetch ${pageRows} from ${name}`);
      count(page.length);
      yield* page;
      if (page.length < pageRows) break;
    }
  } finally {
    open.delete(number);
    await closed(sql, name);
  }
}

// In a transaction that has failed nothing is open any more, and its error is the one to hear of.
async function closed(sql: TransactionSql, name: string): Promise<void> {
  try {
    await sql.unsafe(`close ${name}`);
  } catch {}
}
