import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';

/** Folder of the SQL files, also from the compiled tree. */
function migrationsFolder(): string {
  const here = import.meta.dirname;
  const compiled = /[\\/]dist[\\/]libs[\\/]database[\\/]src$/.test(here);
  return `${here}/${compiled ? '../../../../libs/database' : '..'}/migrations`;
}

/**
 * Brings a database to the current schema and makes the journal's partitions for the days ahead.
 * Safe to run again and at the same time from several places: an advisory lock lets one work.
 */
export async function migrate(url: string, nowMs: bigint = BigInt(Date.now())): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(hashtext('swarmledger-migrations'))`;
    await runMigrations(drizzle(sql), {
      migrationsFolder: migrationsFolder(),
      migrationsSchema: 'public',
      migrationsTable: 'migrations',
    });
    await sql`select ledger.ensure_journal_partitions(${nowMs.toString()}::bigint, 7)`;
  } finally {
    await sql.end();
  }
}
