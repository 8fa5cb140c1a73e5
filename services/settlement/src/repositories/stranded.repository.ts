import type { Database } from '#libs/database';
import { BATCH, PAYOUT } from '../domain/states.js';
import { sealBatch } from './batch-seal.repository.js';
import { durably, moved } from './batch-transaction.repository.js';
import { waitsForEpoch } from './epoch.repository.js';

const REASON = 'the ledger no longer counted all of its withdrawals as open';
const NOTE = 'its batch was given up before anything was paid; it is planned anew';

/** Batches that no epoch will ever let go, because the ledger counts a withdrawal of theirs as ended. */
export class StrandedRepository {
  constructor(private readonly database: Database) {}

  /** Those that a committed epoch found astray; none that waits for an operator's decision. */
  async list(): Promise<bigint[]> {
    const { sql } = this.database;
    const rows = await sql<{ batchNo: bigint }[]>`
      select b.batch_no as "batchNo" from settlement.batches b
      where ${waitsForEpoch(sql)} and (not b.needs_approval or b.approved) and exists (
        select from settlement.epoch_strays t join settlement.epochs o using (epoch_no)
        where t.batch_no = b.batch_no and o.state = ${BATCH.solidified})
      order by b.batch_no`;
    return rows.map(({ batchNo }) => batchNo);
  }

  /**
   * FAILED: nothing of it was ever let go. Its payouts are queued again, so that the next run asks the ledger about
   * each: what has ended there is held for an operator, the others are paid.
   */
  giveUp(batchNo: bigint, nowMs: bigint): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.batches b set state = ${BATCH.failed}, failure = ${REASON}
        where batch_no = ${batchNo} and ${waitsForEpoch(tx.sql)}`);
      await tx.sql`
        update settlement.payouts
        set state = ${PAYOUT.queued}, batch_no = null, note = ${NOTE}, updated_at_ms = ${nowMs}
        where batch_no = ${batchNo} and state = ${PAYOUT.batched}`;
      await sealBatch(tx, batchNo, 'end');
    });
  }
}
