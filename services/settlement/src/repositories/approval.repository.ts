import type { Database } from '#libs/database';
import { BATCH } from '../domain/states.js';
import { sealBatch } from './batch-seal.repository.js';
import { durably, moved } from './batch-transaction.repository.js';
import { leaveBatch, payoutsOf } from './unpaid.repository.js';

/** An operator's word about a batch. */
export type Decision = {
  readonly batchNo: bigint;
  readonly operator: string;
  readonly note: string;
  readonly nowMs: bigint;
};

/** Decisions about large batches. A batch is decided once; a BatchMovedError says that it was already. */
export class ApprovalRepository {
  constructor(private readonly database: Database) {}

  /** Lets a batch be signed. */
  approve(decision: Decision): Promise<void> {
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.batches
        set approved = true, decided_by = ${decision.operator}, decided_at_ms = ${decision.nowMs},
          decision_note = ${decision.note}
        where batch_no = ${decision.batchNo} and needs_approval and approved is null`);
      await sealBatch(tx, decision.batchNo, 'decision');
    });
  }

  /** Ends a batch of which nothing was ever signed; its payouts go back to their owners with the reason. */
  reject(decision: Decision, reason: string): Promise<void> {
    const { batchNo, nowMs } = decision;
    return durably(this.database, async (tx) => {
      await moved(tx.sql`
        update settlement.batches
        set approved = false, decided_by = ${decision.operator}, decided_at_ms = ${nowMs},
          decision_note = ${decision.note}, state = ${BATCH.failed}, failure = ${reason}
        where batch_no = ${batchNo} and needs_approval and approved is null`);
      await leaveBatch(tx, await payoutsOf(tx, batchNo), { reason, refunds: () => true, nowMs });
      await sealBatch(tx, batchNo, 'decision');
      await sealBatch(tx, batchNo, 'end');
    });
  }

  /** How many batches wait for a decision. */
  async undecided(): Promise<bigint> {
    const [row] = await this.database.sql<{ count: bigint }[]>`
      select count(*) as count from settlement.batches where needs_approval and approved is null`;
    return row?.count ?? 0n;
  }
}
