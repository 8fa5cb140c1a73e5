import type { Database } from '#libs/database';

const DAYS_AHEAD = 7;

/** Makes the journal's daily partitions for the days ahead; returns how many were new. */
export async function ensureJournalPartitions(database: Database, nowMs: bigint): Promise<number> {
  const [row] = await database.sql<{ made: number }[]>`
    select ledger.ensure_journal_partitions(${nowMs}, ${DAYS_AHEAD}) as made`;
  return row?.made ?? 0;
}
