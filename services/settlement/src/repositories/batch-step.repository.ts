import { Asset } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { BATCH, OUTCOME, PAYOUT } from '../domain/states.js';
import { halfOf } from '../domain/step.js';
import {
  attemptColumns,
  BATCHES,
  endAttempt,
  noteBroadcast,
  noteConfirmed,
  type OpenAttemptColumns,
  type SignedAttempt,
  storeAttempt,
} from './attempt-steps.js';
import type { StoredBatch } from './batch.repository.js';
import { sealBatch } from './batch-seal.repository.js';
import { BatchMovedError, durably, moved } from './batch-transaction.repository.js';
import { openClaims } from './claim.repository.js';
import { leaveBatch, payoutsOf, splitBatch, type UnpaidPayout } from './unpaid.repository.js';

/** An open batch with its open attempt and what the solidified chain shows of both. */
export type OpenBatchRow = Pick<
  StoredBatch,
  | 'batchNo'
  | 'asset'
  | 'state'
  | 'chainBatchId'
  | 'payouts'
  | 'totalUnits'
  | 'attempts'
  | 'plannedAtMs'
  | 'toClaim'
  | 'claimableUntilS'
> &
  OpenAttemptColumns & {
    readonly vaultPaidBy: Buffer | null;
    /** Since when epochs leave its TRC-10 payout out. */
    readonly leavingAtMs: bigint | null;
  };

/** One line of a batch. */
export type BatchLine = {
  readonly withdrawalId: Buffer;
  readonly destination: string;
  readonly units: bigint;
};

/** A signed transaction to be stored before it is sent. */
export type NewAttempt = SignedAttempt & { readonly batchNo: bigint };

const LINE_FAILED = 'the token refused to pay this destination';

/** Steps of open batches and their attempts. Every method is one transaction that changes all it names or nothing. */
export class BatchStepRepository {
  constructor(private readonly database: Database) {}

  /**
   * Batches that are neither solidified nor failed and wait for nobody's approval, oldest first: all that may be on
   * their way, and of each asset the oldest `limit`, so that batches of one that wait do not hold up the other.
   */
  open(limit: number): Promise<OpenBatchRow[]> {
    const { sql } = this.database;
    const oldest = (asset: number) => sql`(
      select batch_no from settlement.batches
      where state < ${BATCH.solidified} and (not needs_approval or approved) and asset = ${asset}
      order by batch_no limit ${limit})`;
    return sql<OpenBatchRow[]>`
      select b.batch_no as "batchNo", b.asset, b.state, b.chain_batch_id as "chainBatchId",
        b.payouts, b.total_units as "totalUnits", b.attempts, b.planned_at_ms as "plannedAtMs",
        ${attemptColumns(sql)}, v.txid as "vaultPaidBy",
        b.leaving_at_ms as "leavingAtMs", b.to_claim as "toClaim",
        b.claimable_until_s as "claimableUntilS"
      from settlement.batches b
      left join settlement.attempts a on a.batch_no = b.batch_no and a.outcome = ${OUTCOME.open}
      left join settlement.own_transactions o on o.txid = a.txid
      left join settlement.vault_payments v
        on v.chain_batch_id = b.chain_batch_id and v.to_claim = b.to_claim
      where b.batch_no in (
        select batch_no from settlement.attempts where outcome = ${OUTCOME.open}
        union ${oldest(Asset.TRC20_BTT)} union ${oldest(Asset.TRC10_BTTOLD)})
      order by b.batch_no`;
  }

  /** Whom a batch pays, in its order. */
  lines(batchNo: bigint): Promise<BatchLine[]> {
    return this.database.sql<BatchLine[]>`
      select withdrawal_id as "withdrawalId", destination, units
      from settlement.batch_payouts where batch_no = ${batchNo} order by line`;
  }

  /** From now on every epoch leaves the payout of this TRC-10 batch out; for ever, as long as the batch is open. */
  async leave(batchNo: bigint, nowMs: bigint): Promise<void> {
    await this.database.sql`
      update settlement.batches set leaving_at_ms = ${nowMs}
      where batch_no = ${batchNo} and state = ${BATCH.planned} and chain_batch_id is null
        and leaving_at_ms is null`;
  }

  /** Fixes until when a claim set can be claimed, once for all its attempts; returns what is fixed. */
  async fixDeadline(batchNo: bigint, untilS: bigint): Promise<bigint> {
    const [row] = await this.database.sql<{ untilS: bigint }[]>`
      update settlement.batches set claimable_until_s = coalesce(claimable_until_s, ${untilS})
      where batch_no = ${batchNo} and to_claim and state = ${BATCH.planned}
      returning claimable_until_s as "untilS"`;
    if (row === undefined) throw new BatchMovedError('another process moved this batch');
    return row.untilS;
  }

  /**
   * SIGNED: stores the bytes that may be sent, and only those. False when another attempt has the
   * same id, because it pays the same to the same at the same time: sign again with another time.
   */
  sign(attempt: NewAttempt, nowMs: bigint): Promise<boolean> {
    return durably(this.database, async (tx) => {
      const txid = Buffer.from(attempt.txid, 'hex');
      const [twin] = await tx.sql`select from settlement.attempts where txid = ${txid}`;
      if (twin !== undefined) return false;
      await moved(tx.sql`
        update settlement.batches
        set state = ${BATCH.signed}, attempts = ${attempt.attempt}, txid = ${txid}
        where batch_no = ${attempt.batchNo} and state = ${BATCH.planned}
          and attempts = ${attempt.attempt - 1} and (not needs_approval or approved)`);
      await storeAttempt(tx, BATCHES, attempt.batchNo, attempt, nowMs);
      await report(tx, attempt.batchNo, WITHDRAWAL_STATES.signed, attempt.txid);
      return true;
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  broadcast(batchNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    return this.database.transaction(async (tx) => {
      const isFirst = await noteBroadcast(tx, BATCHES, { no: batchNo, attempt }, refusal, nowMs);
      if (isFirst) await report(tx, batchNo, WITHDRAWAL_STATES.broadcast);
    });
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(batchNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction(async (tx) => {
      await noteConfirmed(tx, BATCHES, { no: batchNo, attempt }, block);
      if (block !== undefined) await report(tx, batchNo, WITHDRAWAL_STATES.confirmed);
    });
  }

  /**
   * SOLIDIFIED: executed for good by `txid`, which is normally the open attempt's. Payouts that the
   * vault could not pay end as those of a failed batch do; returns how many these are. Those of a claim set
   * become claimable.
   */
  finish(
    batchNo: bigint,
    txid: Uint8Array,
    refunds: (failures: number) => boolean,
    nowMs: bigint,
  ): Promise<number> {
    return durably(this.database, async (tx) => {
      const paidBy = Buffer.from(txid);
      await tx.sql`
        update settlement.attempts
        set outcome = case when txid = ${paidBy} then ${OUTCOME.paid}::smallint
          else ${OUTCOME.failed}::smallint end
        where batch_no = ${batchNo} and (outcome = ${OUTCOME.open} or txid = ${paidBy})`;
      await moved(tx.sql`
        update settlement.batches b
        set state = ${BATCH.solidified}, txid = ${paidBy}, solidified_at_ms = ${nowMs},
          energy_used = coalesce((select energy_used from settlement.own_transactions
            where txid = ${paidBy}), 0),
          fee_sun = coalesce((select fee_sun from settlement.own_transactions
            where txid = ${paidBy}), 0)
        where batch_no = ${batchNo} and state < ${BATCH.solidified}`);
      const unpaid = await returnUnpaid(tx, batchNo, refunds, nowMs);
      await openClaims(tx, batchNo, paidBy.toString('hex'), nowMs);
      await tx.sql`
        update settlement.payouts
        set state = ${PAYOUT.paid}, updated_at_ms = ${nowMs},
          report_state = ${WITHDRAWAL_STATES.solidified}, report_txid = ${paidBy.toString('hex')}
        where batch_no = ${batchNo} and state = ${PAYOUT.batched}`;
      await sealBatch(tx, batchNo, 'end');
      return unpaid;
    });
  }

  /** EXPIRED_PROVEN: the open attempt is dead, the batch may be signed anew. */
  expire(batchNo: bigint, attempt: number): Promise<void> {
    return durably(this.database, (tx) =>
      endAttempt(tx, BATCHES, { no: batchNo, attempt }, OUTCOME.expired),
    );
  }

  /**
   * FAILED: nothing was paid and nothing can be, as far as the first `attempts` go; one that was signed meanwhile may
   * still pay. The payouts wait for batches of half its size; when it was too small for that, `refunds` decides by the
   * number of failures which go back to their owners, and the others wait for a batch of their own.
   */
  fail(
    batchNo: bigint,
    end: { readonly attempts: number; readonly outcome: number; readonly reason: string },
    refunds: (failures: number) => boolean,
    nowMs: bigint,
  ): Promise<void> {
    return durably(this.database, async (tx) => {
      await tx.sql`
        update settlement.attempts set outcome = ${end.outcome}
        where batch_no = ${batchNo} and outcome = ${OUTCOME.open}`;
      await moved(tx.sql`
        update settlement.batches b
        set state = ${BATCH.failed}, failure = ${end.reason},
          energy_used = coalesce((select energy_used from settlement.own_transactions o
            where o.txid = b.txid), 0),
          fee_sun = coalesce((select fee_sun from settlement.own_transactions o
            where o.txid = b.txid), 0)
        where batch_no = ${batchNo} and state < ${BATCH.solidified} and attempts = ${end.attempts}`);
      const payouts = await payoutsOf(tx, batchNo);
      const [half, { reason }] = [halfOf(payouts.length), end];
      if (half === undefined) await leaveBatch(tx, payouts, { reason, refunds, nowMs });
      else await splitBatch(tx, batchNo, { half, reason, nowMs });
      await sealBatch(tx, batchNo, 'end');
    });
  }
}

/** Lets the payouts that the vault has logged as failed leave an executed batch; returns how many. */
async function returnUnpaid(
  tx: Transaction,
  batchNo: bigint,
  refunds: (failures: number) => boolean,
  nowMs: bigint,
): Promise<number> {
  const unpaid = await tx.sql<UnpaidPayout[]>`
    select p.withdrawal_id as "withdrawalId", p.failures
    from settlement.batches b
    join settlement.failed_lines f on f.chain_batch_id = b.chain_batch_id
    join settlement.batch_payouts l on l.batch_no = b.batch_no and l.line = f.line
    join settlement.payouts p on p.withdrawal_id = l.withdrawal_id
    where b.batch_no = ${batchNo} and p.batch_no = ${batchNo} and p.state = ${PAYOUT.batched}
    for update of p`;
  if (unpaid.length === 0) return 0;
  await leaveBatch(tx, unpaid, { reason: LINE_FAILED, refunds, nowMs });
  await tx.sql`
    update settlement.batches
    set failure = ${unpaid.length} || ' of ' || payouts || ' payees could not be paid'
    where batch_no = ${batchNo}`;
  return unpaid.length;
}

/** Sets what the ledger is to be told of a batch's payouts; it never goes back. */
async function report(
  tx: Transaction,
  batchNo: bigint,
  state: number,
  txid?: string,
): Promise<void> {
  await tx.sql`
    update settlement.payouts
    set report_state = greatest(report_state, ${state}::smallint)
      ${txid === undefined ? tx.sql`` : tx.sql`, report_txid = ${txid}`}
    where batch_no = ${batchNo} and state = ${PAYOUT.batched}`;
}
