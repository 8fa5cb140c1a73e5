import type { Database, Transaction } from '#libs/database';

/** A transfer booked before. */
export type StoredTransfer = { readonly contentHash: Buffer; readonly bookedAtMs: bigint };

/** Rows of `ledger.transfers`: the ids that were used, with what they were used for. */
export class TransferRepository {
  constructor(private readonly database: Database) {}

  async find(transferId: Uint8Array, tx?: Transaction): Promise<StoredTransfer | undefined> {
    const sql = tx?.sql ?? this.database.sql;
    const [row] = await sql<StoredTransfer[]>`
      select content_hash as "contentHash", booked_at_ms as "bookedAtMs"
      from ledger.transfers where transfer_id = ${Buffer.from(transferId)}`;
    return row;
  }

  /** Takes an id; false when somebody has it already. */
  async insert(
    tx: Transaction,
    transferId: Uint8Array,
    content: { contentHash: Uint8Array; bookedAtMs: bigint },
  ): Promise<boolean> {
    const done = await tx.sql`
      insert into ledger.transfers (transfer_id, content_hash, booked_at_ms)
      values (${Buffer.from(transferId)}, ${Buffer.from(content.contentHash)}, ${content.bookedAtMs})
      on conflict do nothing`;
    return done.count === 1;
  }
}
