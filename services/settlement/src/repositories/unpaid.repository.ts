import type { Transaction } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { PAYOUT } from '../domain/states.js';

/** A payout of a batch that did not pay it. */
export type UnpaidPayout = { readonly withdrawalId: Buffer; readonly failures: number };

/** All payouts that are in a batch, locked. */
export function payoutsOf(tx: Transaction, batchNo: bigint): Promise<UnpaidPayout[]> {
  return tx.sql<UnpaidPayout[]>`
    select withdrawal_id as "withdrawalId", failures from settlement.payouts
    where batch_no = ${batchNo} for update`;
}

/** Payouts that were not paid wait for another batch, or go back to their owners. */
export async function leaveBatch(
  tx: Transaction,
  payouts: readonly UnpaidPayout[],
  end: {
    readonly reason: string;
    readonly refunds: (failures: number) => boolean;
    readonly nowMs: bigint;
  },
): Promise<void> {
  for (const { withdrawalId, failures } of payouts) {
    const refunded = end.refunds(failures + 1);
    const note = refunded ? '' : `it could not be paid and is tried again: ${end.reason}`;
    await tx.sql`
      update settlement.payouts
      set state = ${refunded ? PAYOUT.refunded : PAYOUT.planned}, batch_no = null,
        failures = failures + 1, failure = ${end.reason}, note = ${note}, updated_at_ms = ${end.nowMs},
        report_state = ${refunded ? WITHDRAWAL_STATES.refunded : tx.sql`report_state`}
      where withdrawal_id = ${withdrawalId}`;
  }
}

/** Payouts of a batch that failed as a whole wait for batches of at most `half` payees; none of them has failed itself. */
export async function splitBatch(
  tx: Transaction,
  batchNo: bigint,
  {
    half,
    reason,
    nowMs,
  }: { readonly half: number; readonly reason: string; readonly nowMs: bigint },
): Promise<void> {
  await tx.sql`
    update settlement.payouts
    set state = ${PAYOUT.planned}, batch_no = null, batch_max = ${half}, failure = ${reason},
      note = ${`it could not be paid and is tried again in a smaller batch: ${reason}`},
      updated_at_ms = ${nowMs}
    where batch_no = ${batchNo}`;
}
