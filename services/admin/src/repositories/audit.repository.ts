import { createHash } from 'node:crypto';
import { asc, desc, sql } from 'drizzle-orm';
import { adminTables, type Database } from '#libs/database';
import type { AuditEntry, AuditLog } from '../application/ports.js';
import type { AuditRow } from '../domain/snapshot.js';

const { audit } = adminTables;
const FIRST_HASH = Buffer.alloc(32);

/** The operators' record in Postgres: append-only, each row hashed together with the one before it. */
export class AuditRepository implements AuditLog {
  constructor(private readonly database: Database) {}

  async append(entry: AuditEntry): Promise<void> {
    await this.database.transaction(async ({ db }) => {
      // One writer at a time, else two rows would follow the same predecessor.
      await db.execute(sql`select pg_advisory_xact_lock(hashtext('swarmledger-audit'))`);
      const [last] = await db
        .select({ auditNo: audit.auditNo, rowHash: audit.rowHash })
        .from(audit)
        .orderBy(desc(audit.auditNo))
        .limit(1);
      const auditNo = (last?.auditNo ?? 0n) + 1n;
      const rowHash = hashOf(last?.rowHash ?? FIRST_HASH, auditNo, entry);
      await db.insert(audit).values({ auditNo, ...entry, rowHash });
    });
  }

  /** The newest rows, newest first. */
  async latest(limit: number): Promise<AuditRow[]> {
    const rows = await this.database.db
      .select()
      .from(audit)
      .orderBy(desc(audit.auditNo))
      .limit(limit);
    return rows.map(({ auditNo, atMs, actor, address, action, outcome, detail }) => ({
      auditNo,
      atMs,
      actor,
      address,
      action,
      outcome,
      detail,
    }));
  }

  /** The number of the first row that was changed, or that follows a removed one; undefined if none. */
  async firstBroken(): Promise<bigint | undefined> {
    let hash: Buffer = FIRST_HASH;
    let expectedNo = 1n;
    const rows = await this.database.db.select().from(audit).orderBy(asc(audit.auditNo));
    for (const { auditNo, rowHash, ...entry } of rows) {
      if (auditNo !== expectedNo || !hashOf(hash, auditNo, entry).equals(rowHash)) return auditNo;
      hash = rowHash;
      expectedNo += 1n;
    }
    return undefined;
  }
}

// Fields are hashed as a JSON array, so that no two different rows can read the same.
function hashOf(previous: Buffer, auditNo: bigint, entry: AuditEntry): Buffer {
  const { atMs, actor, role, address, action, outcome, detail } = entry;
  const fields = [String(auditNo), String(atMs), actor, role, address, action, outcome, detail];
  return createHash('sha256').update(previous).update(JSON.stringify(fields)).digest();
}
