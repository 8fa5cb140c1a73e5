import type { TransactionSql } from '#libs/database';
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
};

/** One thing to check; throws a DifferenceError at the first row that does not agree. */
export type Check = { readonly name: string; readonly run: (audit: Audit) => Promise<void> };

/** Rows that are in memory at a time. */
export const PAGE_ROWS = 2_000;

/** Reads rows page by page. */
export async function* rowsOf<T extends object>(
  audit: Pick<Audit, 'count'>,
  query: { cursor(rows: number): AsyncIterable<T[]> },
): AsyncGenerator<T> {
  for await (const page of query.cursor(PAGE_ROWS)) {
    audit.count(page.length);
    yield* page;
  }
}
