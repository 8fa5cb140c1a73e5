import type { Database, Transaction } from '#libs/database';
import { BATCH, OUTCOME, PAYOUT, WITHDRAWAL } from '../domain/states.js';

/** A batch as stored. */
export type StoredBatch = {
  readonly batchNo: bigint;
  readonly asset: number;
  readonly state: number;
  readonly chainBatchId: Buffer | null;
  readonly payouts: number;
  readonly totalUnits: bigint;
  readonly attempts: number;
  readonly txid: Buffer | null;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
  readonly failure: string;
  readonly plannedAtMs: bigint;
  readonly solidifiedAtMs: bigint | null;
};

/** An open batch with its open attempt and what the solidified chain shows of both. */
export type OpenBatchRow = Pick<
  StoredBatch,
  'batchNo' | 'asset' | 'state' | 'chainBatchId' | 'payouts' | 'totalUnits' | 'attempts'
> & {
  readonly attempt: number | null;
  readonly txid: Buffer | null;
  readonly signed: Buffer | null;
  readonly feeLimitSun: bigint | null;
  readonly expirationMs: bigint | null;
  readonly broadcasts: number | null;
  readonly lastBroadcastAtMs: bigint | null;
  readonly refusal: string | null;
  readonly solidSucceeded: boolean | null;
  readonly solidResult: string | null;
  readonly vaultPaidBy: Buffer | null;
};

/** One line of a batch. */
export type BatchLine = {
  readonly withdrawalId: Buffer;
  readonly destination: string;
  readonly units: bigint;
};

/** A batch to be stored; its chain id depends on the number that the database gives it. */
export type NewBatch = {
  readonly asset: number;
  readonly lines: readonly { withdrawalId: Uint8Array; destination: string; units: bigint }[];
  readonly totalUnits: bigint;
  readonly chainBatchIdOf: (batchNo: bigint) => Uint8Array | undefined;
};

/** A signed transaction to be stored before it is sent. */
export type NewAttempt = {
  readonly batchNo: bigint;
  readonly attempt: number;
  readonly txid: string;
  readonly raw: Uint8Array;
  readonly signed: Uint8Array;
  readonly feeLimitSun: bigint;
  readonly expirationMs: bigint;
};

/** A row changed under our hands: somebody else works on the same batch. Nothing was stored. */
export class BatchMovedError extends Error {
  override readonly name = 'BatchMovedError';
}

/** Batches and their attempts. Every method is one transaction that changes all it names or nothing. */
export class BatchRepository {
  constructor(private readonly database: Database) {}

  /** INTENT: fixes whom batches pay. Returns their numbers. */
  plan(batches: readonly NewBatch[], nowMs: bigint): Promise<bigint[]> {
    return this.#durably(async (tx) => {
      const numbers: bigint[] = [];
      for (const batch of batches) numbers.push(await insertBatch(tx, batch, nowMs));
      return numbers;
    });
  }

  /** Batches that are neither solidified nor failed, oldest first. */
  open(limit: number): Promise<OpenBatchRow[]> {
    return this.database.sql<OpenBatchRow[]>`
      select b.batch_no as "batchNo", b.asset, b.state, b.chain_batch_id as "chainBatchId",
        b.payouts, b.total_units as "totalUnits", b.attempts, a.attempt, a.txid, a.signed,
        a.fee_limit_sun as "feeLimitSun", a.expiration_ms as "expirationMs", a.broadcasts,
        a.last_broadcast_at_ms as "lastBroadcastAtMs", a.refusal,
        o.succeeded as "solidSucceeded", o.result as "solidResult", v.txid as "vaultPaidBy"
      from settlement.batches b
      left join settlement.attempts a on a.batch_no = b.batch_no and a.outcome = ${OUTCOME.open}
      left join settlement.own_transactions o on o.txid = a.txid
      left join settlement.vault_payments v on v.chain_batch_id = b.chain_batch_id
      where b.state < ${BATCH.solidified} order by b.batch_no limit ${limit}`;
  }

  lines(batchNo: bigint): Promise<BatchLine[]> {
    return this.database.sql<BatchLine[]>`
      select withdrawal_id as "withdrawalId", destination, units
      from settlement.batch_payouts where batch_no = ${batchNo} order by line`;
  }

  /**
   * SIGNED: stores the bytes that may be sent, and only those. False when another attempt has the
   * same id, because it pays the same to the same at the same time: sign again with another time.
   */
  sign(attempt: NewAttempt, nowMs: bigint): Promise<boolean> {
    return this.#durably(async (tx) => {
      const txid = Buffer.from(attempt.txid, 'hex');
      const [twin] = await tx.sql`select from settlement.attempts where txid = ${txid}`;
      if (twin !== undefined) return false;
      await moved(tx.sql`
        update settlement.batches
        set state = ${BATCH.signed}, attempts = ${attempt.attempt}, txid = ${txid}
        where batch_no = ${attempt.batchNo} and state = ${BATCH.planned}
          and attempts = ${attempt.attempt - 1}`);
      await tx.sql`
        insert into settlement.attempts (batch_no, attempt, txid, raw, signed, fee_limit_sun,
          expiration_ms, signed_at_ms)
        values (${attempt.batchNo}, ${attempt.attempt}, ${txid}, ${Buffer.from(attempt.raw)},
          ${Buffer.from(attempt.signed)}, ${attempt.feeLimitSun}, ${attempt.expirationMs}, ${nowMs})`;
      await report(tx, attempt.batchNo, WITHDRAWAL.signed, attempt.txid);
      return true;
    });
  }

  /** BROADCAST: notes that the stored bytes were sent and what the node said. */
  broadcast(batchNo: bigint, attempt: number, refusal: string, nowMs: bigint): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.attempts
        set broadcasts = broadcasts + 1, last_broadcast_at_ms = ${nowMs}, refusal = ${refusal}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      const raised = await tx.sql`
        update settlement.batches set state = ${BATCH.broadcast}
        where batch_no = ${batchNo} and state = ${BATCH.signed}`;
      if (raised.count === 1) await report(tx, batchNo, WITHDRAWAL.broadcast);
    });
  }

  /** CONFIRMED, or back to BROADCAST when `block` is undefined because a fork undid it. */
  confirm(batchNo: bigint, attempt: number, block: bigint | undefined): Promise<void> {
    return this.database.transaction(async (tx) => {
      await moved(tx.sql`
        update settlement.attempts set confirmed_block = ${block ?? null}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`
        update settlement.batches
        set state = ${block === undefined ? BATCH.broadcast : BATCH.confirmed}
        where batch_no = ${batchNo} and state in (${BATCH.signed}, ${BATCH.broadcast},
          ${BATCH.confirmed})`);
      if (block !== undefined) await report(tx, batchNo, WITHDRAWAL.confirmed);
    });
  }

  /** SOLIDIFIED: paid for good by `txid`, which is normally the open attempt's. */
  finish(batchNo: bigint, txid: Uint8Array, nowMs: bigint): Promise<void> {
    return this.#durably(async (tx) => {
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
      await tx.sql`
        update settlement.payouts
        set state = ${PAYOUT.paid}, updated_at_ms = ${nowMs},
          report_state = ${WITHDRAWAL.solidified}, report_txid = ${paidBy.toString('hex')}
        where batch_no = ${batchNo} and state = ${PAYOUT.batched}`;
    });
  }

  /** EXPIRED_PROVEN: the open attempt is dead, the batch may be signed anew. */
  expire(batchNo: bigint, attempt: number): Promise<void> {
    return this.#durably(async (tx) => {
      await moved(tx.sql`
        update settlement.attempts set outcome = ${OUTCOME.expired}
        where batch_no = ${batchNo} and attempt = ${attempt} and outcome = ${OUTCOME.open}`);
      await moved(tx.sql`
        update settlement.batches set state = ${BATCH.planned}
        where batch_no = ${batchNo} and state < ${BATCH.solidified}`);
    });
  }

  /**
   * FAILED: nothing was paid and nothing can be. `refunds` decides by the number of failures which
   * payouts go back to their owners; the others wait for another batch.
   */
  fail(
    batchNo: bigint,
    end: { readonly outcome: number; readonly reason: string },
    refunds: (failures: number) => boolean,
    nowMs: bigint,
  ): Promise<void> {
    return this.#durably(async (tx) => {
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
        where batch_no = ${batchNo} and state < ${BATCH.solidified}`);
      const payouts = await tx.sql<{ withdrawalId: Buffer; failures: number }[]>`
        select withdrawal_id as "withdrawalId", failures from settlement.payouts
        where batch_no = ${batchNo} for update`;
      for (const { withdrawalId, failures } of payouts) {
        const refunded = refunds(failures + 1);
        await tx.sql`
          update settlement.payouts
          set state = ${refunded ? PAYOUT.refunded : PAYOUT.planned}, batch_no = null,
            failures = failures + 1, failure = ${end.reason}, updated_at_ms = ${nowMs},
            report_state = ${refunded ? WITHDRAWAL.refunded : tx.sql`report_state`}
          where withdrawal_id = ${withdrawalId}`;
      }
    });
  }

  /** Batches before a number, newest first. */
  list(before: bigint | undefined, limit: number): Promise<StoredBatch[]> {
    const { sql } = this.database;
    return sql<StoredBatch[]>`${this.#select()}
      ${before === undefined ? sql`` : sql`where batch_no < ${before}`}
      order by batch_no desc limit ${limit}`;
  }

  async find(batchNos: readonly bigint[]): Promise<StoredBatch[]> {
    if (batchNos.length === 0) return [];
    const { sql } = this.database;
    return sql<StoredBatch[]>`${this.#select()}
      where batch_no = any(${batchNos.map(String)}::bigint[]) order by batch_no`;
  }

  /** Number of batches by state, and what settlement has cost so far. */
  async counts(): Promise<{
    readonly byState: ReadonlyMap<number, number>;
    readonly payeesPaid: bigint;
    readonly energyUsed: bigint;
    readonly feeSun: bigint;
  }> {
    const rows = await this.database.sql<
      { state: number; count: bigint; payees: bigint; energy: bigint; fee: bigint }[]
    >`select state, count(*) as count, coalesce(sum(payouts), 0)::bigint as payees,
        coalesce(sum(energy_used), 0)::bigint as energy, coalesce(sum(fee_sun), 0)::bigint as fee
      from settlement.batches group by state`;
    const paid = rows.find(({ state }) => state === BATCH.solidified);
    return {
      byState: new Map(rows.map(({ state, count }) => [state, Number(count)])),
      payeesPaid: paid?.payees ?? 0n,
      energyUsed: paid?.energy ?? 0n,
      feeSun: paid?.fee ?? 0n,
    };
  }

  #select() {
    return this.database.sql`
      select batch_no as "batchNo", asset, state, chain_batch_id as "chainBatchId", payouts,
        total_units as "totalUnits", attempts, txid, energy_used as "energyUsed",
        fee_sun as "feeSun", failure, planned_at_ms as "plannedAtMs",
        solidified_at_ms as "solidifiedAtMs"
      from settlement.batches`;
  }

  /** A transaction that is on disk when it returns, whatever the server's default is. */
  #durably<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.database.transaction(async (tx) => {
      await tx.sql`set local synchronous_commit = on`;
      return work(tx);
    });
  }
}

async function insertBatch(tx: Transaction, batch: NewBatch, nowMs: bigint): Promise<bigint> {
  const { asset, lines, totalUnits } = batch;
  const [row] = await tx.sql<{ batchNo: bigint }[]>`
    insert into settlement.batches (asset, payouts, total_units, planned_at_ms)
    values (${asset}, ${lines.length}, ${totalUnits}, ${nowMs})
    returning batch_no as "batchNo"`;
  if (row === undefined) throw new Error('the batch got no number');
  const { batchNo } = row;
  const chainId = batch.chainBatchIdOf(batchNo);
  if (chainId !== undefined) {
    await tx.sql`update settlement.batches set chain_batch_id = ${Buffer.from(chainId)}
      where batch_no = ${batchNo}`;
  }
  const ids = lines.map(({ withdrawalId }) => Buffer.from(withdrawalId));
  await tx.sql`insert into settlement.batch_payouts ${tx.sql(
    lines.map(({ destination, units }, line) => ({
      batch_no: batchNo,
      line,
      withdrawal_id: ids[line] as Buffer,
      destination,
      units,
    })),
  )}`;
  const taken = await tx.sql`
    update settlement.payouts
    set state = ${PAYOUT.batched}, batch_no = ${batchNo}, updated_at_ms = ${nowMs}
    where withdrawal_id in ${tx.sql(ids)} and state = ${PAYOUT.planned}`;
  if (taken.count !== lines.length) throw new BatchMovedError('a payout is in another batch');
  return batchNo;
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

async function moved(statement: PromiseLike<{ readonly count: number }>): Promise<void> {
  const { count } = await statement;
  if (count !== 1) throw new BatchMovedError('another process moved this batch');
}
