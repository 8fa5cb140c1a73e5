import { eq, lt } from 'drizzle-orm';
import { adminTables, type Database } from '#libs/database';
import type { AttemptStore } from '../application/ports.js';
import { type Attempts, NO_ATTEMPTS } from '../domain/lockout.js';

const { loginAttempts } = adminTables;

/** Counts of failed logins in Postgres. */
export class LoginAttemptRepository implements AttemptStore {
  constructor(private readonly database: Database) {}

  async change<T>(
    address: string,
    decide: (attempts: Attempts) => { next: Attempts | undefined; value: T },
  ): Promise<T> {
    return this.database.transaction(async ({ db }) => {
      // The row is made first, so that there is something to lock for a second guess at the same time.
      await db
        .insert(loginAttempts)
        .values({ address, ...NO_ATTEMPTS })
        .onConflictDoNothing();
      const [row] = await db
        .select()
        .from(loginAttempts)
        .where(eq(loginAttempts.address, address))
        .for('update');
      const { next, value } = decide(row ?? NO_ATTEMPTS);
      const mine = eq(loginAttempts.address, address);
      if (next === undefined) await db.delete(loginAttempts).where(mine);
      else await db.update(loginAttempts).set(counts(next)).where(mine);
      return value;
    });
  }

  async removeOlderThan(firstFailureAtMs: bigint): Promise<void> {
    await this.database.db
      .delete(loginAttempts)
      .where(lt(loginAttempts.firstFailureAtMs, firstFailureAtMs));
  }
}

function counts({ failures, firstFailureAtMs, lockedUntilMs }: Attempts): Attempts {
  return { failures, firstFailureAtMs, lockedUntilMs };
}
