import { eq, lte } from 'drizzle-orm';
import { adminTables, type Database } from '#libs/database';
import type { SessionStore } from '../application/ports.js';
import type { Session } from '../domain/session.js';

const { sessions } = adminTables;

/** Sessions in Postgres, by the hash of their cookie. */
export class SessionRepository implements SessionStore {
  constructor(private readonly database: Database) {}

  async insert(session: Session): Promise<void> {
    await this.database.db.insert(sessions).values(session);
  }

  async find(tokenHash: Buffer): Promise<Session | undefined> {
    const [row] = await this.database.db
      .select()
      .from(sessions)
      .where(eq(sessions.tokenHash, tokenHash));
    return row;
  }

  async remove(tokenHash: Buffer): Promise<void> {
    await this.database.db.delete(sessions).where(eq(sessions.tokenHash, tokenHash));
  }

  async removeExpired(nowMs: bigint): Promise<void> {
    await this.database.db.delete(sessions).where(lte(sessions.expiresAtMs, nowMs));
  }
}
