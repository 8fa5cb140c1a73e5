import type { Database, Transaction } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { claimableNote, UNCLAIMED } from '../domain/claims.js';
import { BATCH, OUTCOME, PAYOUT } from '../domain/states.js';
import { attemptColumns, type OpenAttemptColumns } from './attempt-steps.js';
import { durably, moved } from './batch-transaction.repository.js';

/** A claim set whose time is over, with the open attempt of its release and what the solidified chain shows of both. */
export type OverdueRow = OpenAttemptColumns & {
  readonly batchNo: bigint;
  readonly chainBatchId: Buffer;
  readonly state: number;
  readonly attempts: number;
  /** Whoever has released it. */
  readonly releasedBy: Buffer | null;
};

/** What a payout that can be claimed is a line of. */
export type ClaimableLine = {
  readonly batchNo: bigint;
  readonly account: string;
  readonly state: number;
  readonly line: number;
  readonly chainBatchId: Buffer;
  readonly claimableUntilS: bigint;
};

/** Claim sets that are committed: what of them was claimed, and what goes back. */
export class ClaimRepository {
  constructor(private readonly database: Database) {}

  /** Pays what was claimed, and ends sets of which nothing is left; returns how many payouts were paid. */
  async payClaimed(nowMs: bigint): Promise<number> {
    return durably(this.database, async (tx) => {
      const paid = await payClaimed(tx, nowMs);
      if (paid.length === 0) return 0;
      await tx.sql`
        update settlement.claim_sets s set state = ${BATCH.solidified}, over_at_ms = ${nowMs}
        where s.batch_no = any(${tx.sql.array([...new Set(paid)], 1016)}::bigint[])
          and s.state = ${BATCH.planned} and not exists (
            select from settlement.payouts p
            where p.batch_no = s.batch_no and p.state = ${PAYOUT.claimable})`;
      return paid.length;
    });
  }

  /** Sets that nobody can claim from any more at this time of the chain, oldest first. */
  overdue(chainTimeMs: bigint, limit: number): Promise<OverdueRow[]> {
    const { sql } = this.database;
    return sql<OverdueRow[]>`
      select s.batch_no as "batchNo", b.chain_batch_id as "chainBatchId", s.state, s.attempts,
        ${attemptColumns(sql)}, r.txid as "releasedBy"
      from settlement.claim_sets s
      join settlement.batches b on b.batch_no = s.batch_no
      left join settlement.release_attempts a
        on a.batch_no = s.batch_no and a.outcome = ${OUTCOME.open}
      left join settlement.own_transactions o on o.txid = a.txid
      left join settlement.claim_releases r on r.chain_batch_id = b.chain_batch_id
      where s.state < ${BATCH.solidified} and (b.claimable_until_s + 1) * 1000 <= ${chainTimeMs}
      order by s.batch_no limit ${limit}`;
  }

  /**
   * The set is released for good: what was not claimed goes back to its owners. Returns how many those are. Whoever
   * comes second finds the set over, and a BatchMovedError says so.
   */
  release(batchNo: bigint, releasedBy: Uint8Array, nowMs: bigint): Promise<number> {
    return durably(this.database, async (tx) => {
      // The release came after every claim that there is, and all up to it was read.
      await payClaimed(tx, nowMs);
      await moved(tx.sql`
        update settlement.claim_sets set state = ${BATCH.solidified}, over_at_ms = ${nowMs}
        where batch_no = ${batchNo} and state < ${BATCH.solidified} and exists (
          select from settlement.claim_releases r join settlement.batches b using (chain_batch_id)
          where b.batch_no = ${batchNo})`);
      const by = Buffer.from(releasedBy);
      await tx.sql`
        update settlement.release_attempts
        set outcome = case when txid = ${by} then ${OUTCOME.paid}::smallint
          else ${OUTCOME.failed}::smallint end
        where batch_no = ${batchNo} and (outcome = ${OUTCOME.open} or txid = ${by})`;
      const back = await tx.sql`
        update settlement.payouts
        set state = ${PAYOUT.refunded}, batch_no = null, failure = ${UNCLAIMED}, note = '',
          updated_at_ms = ${nowMs}, report_state = ${WITHDRAWAL_STATES.refunded}
        where batch_no = ${batchNo} and state = ${PAYOUT.claimable}`;
      return back.count;
    });
  }

  /** The line of a withdrawal in a claim set that is committed, or undefined. */
  async lineOf(withdrawalId: Uint8Array): Promise<ClaimableLine | undefined> {
    const [row] = await this.database.sql<ClaimableLine[]>`
      select p.batch_no as "batchNo", p.account, p.state, l.line,
        b.chain_batch_id as "chainBatchId", b.claimable_until_s as "claimableUntilS"
      from settlement.payouts p
      join settlement.batches b on b.batch_no = p.batch_no
      join settlement.batch_payouts l
        on l.batch_no = p.batch_no and l.withdrawal_id = p.withdrawal_id
      where p.withdrawal_id = ${Buffer.from(withdrawalId)} and b.to_claim
        and p.state in (${PAYOUT.claimable}, ${PAYOUT.paid})`;
    return row;
  }
}

/** Makes the payouts of a batch claimable if it is a claim set that was just committed. */
export async function openClaims(
  tx: Transaction,
  batchNo: bigint,
  txid: string,
  nowMs: bigint,
): Promise<void> {
  const [set] = await tx.sql<{ untilS: bigint }[]>`
    insert into settlement.claim_sets (batch_no)
    select batch_no from settlement.batches where batch_no = ${batchNo} and to_claim
    returning (select claimable_until_s from settlement.batches
      where batch_no = ${batchNo}) as "untilS"`;
  if (set === undefined) return;
  await tx.sql`
    update settlement.payouts
    set state = ${PAYOUT.claimable}, updated_at_ms = ${nowMs}, note = ${claimableNote(set.untilS)},
      report_state = ${WITHDRAWAL_STATES.claimable}, report_txid = ${txid}
    where batch_no = ${batchNo} and state = ${PAYOUT.batched}`;
}

/** Pays claimed lines of sets that are not over; returns the batch of each. */
async function payClaimed(tx: Transaction, nowMs: bigint): Promise<bigint[]> {
  const paid = await tx.sql<{ batchNo: bigint }[]>`
    with claimed as (
      update settlement.claimed_lines c set booked = true
      from settlement.batches b
      join settlement.claim_sets s on s.batch_no = b.batch_no and s.state < ${BATCH.solidified}
      join settlement.batch_payouts l on l.batch_no = b.batch_no
      where not c.booked and b.chain_batch_id = c.chain_batch_id and l.line = c.line
      returning l.batch_no, l.withdrawal_id, c.txid
    )
    update settlement.payouts p
    set state = ${PAYOUT.paid}, updated_at_ms = ${nowMs}, note = '',
      report_state = ${WITHDRAWAL_STATES.solidified}, report_txid = encode(c.txid, 'hex')
    from claimed c
    where p.withdrawal_id = c.withdrawal_id and p.batch_no = c.batch_no
      and p.state = ${PAYOUT.claimable}
    returning p.batch_no as "batchNo"`;
  return paid.map(({ batchNo }) => batchNo);
}
