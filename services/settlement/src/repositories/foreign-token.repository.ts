import type { Database, Transaction } from '#libs/database';
import type { ForeignTokenKey } from '../domain/cursor.js';
import type { ForeignToken } from '../domain/foreign-token.js';

/** Rows kept: those seen last. To push others off the list, one must deploy as many tokens. */
export const FOREIGN_TOKENS_MAX = 1_000;

/** A foreign token as stored. */
export type StoredForeignToken = {
  readonly token: string;
  readonly recipient: string;
  readonly transfers: bigint;
  readonly lastTxid: Buffer;
  readonly lastSender: string;
  /** Decimal. */
  readonly lastBaseUnits: string;
  readonly lastBlock: bigint;
  readonly firstSeenAtMs: bigint;
};

/** Rows of `settlement.foreign_tokens`. */
export class ForeignTokenRepository {
  constructor(private readonly database: Database) {}

  /** Those that nobody has dismissed, newest first, before a key. */
  list(before: ForeignTokenKey | undefined, limit: number): Promise<StoredForeignToken[]> {
    const { sql } = this.database;
    const older =
      before === undefined
        ? sql``
        : sql`and (last_block, token, recipient) <
            (${before.lastBlock}, ${before.token}, ${before.recipient})`;
    return sql<StoredForeignToken[]>`
      select token, recipient, transfers, last_txid as "lastTxid", last_sender as "lastSender",
        last_base_units::text as "lastBaseUnits", last_block as "lastBlock",
        first_seen_at_ms as "firstSeenAtMs"
      from settlement.foreign_tokens where not dismissed ${older}
      order by last_block desc, token desc, recipient desc limit ${limit}`;
  }

  /** Takes one off the list; false when it is not known. */
  async dismiss(token: string, recipient: string): Promise<boolean> {
    const done = await this.database.sql`
      update settlement.foreign_tokens set dismissed = true
      where token = ${token} and recipient = ${recipient}`;
    return done.count === 1;
  }

  /** How many nobody has dismissed. */
  async count(): Promise<bigint> {
    const [row] = await this.database.sql<{ count: bigint }[]>`
      select count(*) as count from settlement.foreign_tokens where not dismissed`;
    return row?.count ?? 0n;
  }
}

/** Notes what a run of blocks shows, and keeps the table within its bound. */
export async function noteForeignTokens(
  tx: Transaction,
  tokens: readonly ForeignToken[],
  nowMs: bigint,
): Promise<void> {
  if (tokens.length === 0) return;
  for (const foreign of tokens) {
    const { token, recipient, transfers, lastTxid, lastSender, lastBaseUnits, lastBlock } = foreign;
    await tx.sql`
      insert into settlement.foreign_tokens as f (token, recipient, transfers, last_txid,
        last_sender, last_base_units, last_block, first_seen_at_ms)
      values (${token}, ${recipient}, ${transfers}, ${Buffer.from(lastTxid, 'hex')}, ${lastSender},
        ${lastBaseUnits.toString()}, ${lastBlock}, ${nowMs})
      on conflict (token, recipient) do update set transfers = f.transfers + excluded.transfers,
        last_txid = excluded.last_txid, last_sender = excluded.last_sender,
        last_base_units = excluded.last_base_units, last_block = excluded.last_block`;
  }
  await tx.sql`
    delete from settlement.foreign_tokens where (token, recipient) in (
      select token, recipient from settlement.foreign_tokens
      order by last_block desc, token desc, recipient desc offset ${FOREIGN_TOKENS_MAX})`;
}
