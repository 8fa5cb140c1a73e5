import type { Database } from '#libs/database';
import type { DepositKey } from '../domain/cursor.js';
import { DEPOSIT, PAYOUT } from '../domain/states.js';
import type { StoredDeposit } from './deposit.repository.js';

/** A deposit that waits for an operator. */
export type HeldDeposit = StoredDeposit & { readonly seenAtMs: bigint };

/** A payout that waits for an operator. */
export type HeldPayout = {
  readonly withdrawalId: Buffer;
  readonly payoutNo: bigint;
  readonly asset: number;
  readonly account: string;
  readonly destination: string;
  readonly units: bigint;
  readonly failure: string;
  readonly requestedAtMs: bigint;
  readonly heldAtMs: bigint;
};

/** Lists of what waits for an operator, newest first. */
export class HeldRepository {
  constructor(private readonly database: Database) {}

  /** Deposits that are held, misdirected or in suspense, before a key. */
  deposits(before: DepositKey | undefined, limit: number): Promise<HeldDeposit[]> {
    const { sql } = this.database;
    const older =
      before === undefined
        ? sql``
        : sql`and (block_number, txid, index) <
            (${before.blockNumber}, ${Buffer.from(before.txid)}, ${before.index})`;
    return sql<HeldDeposit[]>`
      select txid, index, asset, sender, coalesce(account, sender) as account,
        base_units::text as "baseUnits", units, state, suspense, block_number as "blockNumber", note, seen_at_ms as "seenAtMs"
      from settlement.deposits where state in (${DEPOSIT.suspense}, ${DEPOSIT.held}, ${DEPOSIT.misdirected})
        ${older}
      order by block_number desc, txid desc, index desc limit ${limit}`;
  }

  /** Payouts that are held, before a number. */
  payouts(before: bigint | undefined, limit: number): Promise<HeldPayout[]> {
    const { sql } = this.database;
    return sql<HeldPayout[]>`
      select withdrawal_id as "withdrawalId", payout_no as "payoutNo", asset, account, destination,
        units, failure, requested_at_ms as "requestedAtMs", updated_at_ms as "heldAtMs"
      from settlement.payouts where state = ${PAYOUT.held}
        ${before === undefined ? sql`` : sql`and payout_no < ${before}`}
      order by payout_no desc limit ${limit}`;
  }
}
