import type { Database, Transaction } from '#libs/database';

/** A row changed under our hands: somebody else works on the same batch. Nothing was stored. */
export class BatchMovedError extends Error {
  override readonly name = 'BatchMovedError';
}

/** A transaction that is on disk when it returns, whatever the server's default is. */
export function durably<T>(database: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await tx.sql`set local synchronous_commit = on`;
    return work(tx);
  });
}

/** Throws a BatchMovedError unless a statement has changed exactly one row. */
export async function moved(statement: PromiseLike<{ readonly count: number }>): Promise<void> {
  const { count } = await statement;
  if (count !== 1) throw new BatchMovedError('another process moved this batch');
}
