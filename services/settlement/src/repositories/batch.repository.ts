import type { Database, Transaction } from '#libs/database';
import { BATCH, PAYOUT } from '../domain/states.js';
import { sealBatch } from './batch-seal.repository.js';
import { BatchMovedError, durably } from './batch-transaction.repository.js';

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
  readonly needsApproval: boolean;
  /** Null while nobody has decided. */
  readonly approved: boolean | null;
  readonly decidedBy: string | null;
  readonly decidedAtMs: bigint | null;
  readonly decisionNote: string;
  /** It reserves its payouts in the vault, to be claimed. */
  readonly toClaim: boolean;
  /** Until when, in seconds of the chain; fixed before it is signed first. */
  readonly claimableUntilS: bigint | null;
};

/** A batch to be stored; its chain id depends on the number that the database gives it. */
export type NewBatch = {
  readonly asset: number;
  readonly lines: readonly { withdrawalId: Uint8Array; destination: string; units: bigint }[];
  readonly totalUnits: bigint;
  readonly needsApproval: boolean;
  readonly toClaim: boolean;
  readonly chainBatchIdOf: (batchNo: bigint) => Uint8Array | undefined;
};

/** Batches and whom they pay: planned in one transaction, read as they are. */
export class BatchRepository {
  constructor(private readonly database: Database) {}

  /** INTENT: fixes whom batches pay. Returns their numbers. */
  plan(batches: readonly NewBatch[], nowMs: bigint): Promise<bigint[]> {
    return durably(this.database, async (tx) => {
      const numbers: bigint[] = [];
      for (const batch of batches) numbers.push(await insertBatch(tx, batch, nowMs));
      return numbers;
    });
  }

  /** Batches before a number, newest first. */
  list(before: bigint | undefined, limit: number): Promise<StoredBatch[]> {
    const { sql } = this.database;
    return sql<StoredBatch[]>`${this.#select()}
      ${before === undefined ? sql`` : sql`where batch_no < ${before}`}
      order by batch_no desc limit ${limit}`;
  }

  /** Batches before a number that wait for an operator, newest first. */
  undecided(before: bigint | undefined, limit: number): Promise<StoredBatch[]> {
    const { sql } = this.database;
    return sql<StoredBatch[]>`${this.#select()}
      where needs_approval and approved is null
      ${before === undefined ? sql`` : sql`and batch_no < ${before}`}
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
    >`select state, rows as count, payouts as payees, energy_used as energy, fee_sun as fee
      from settlement.state_counts where source = 'batches'`;
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
        solidified_at_ms as "solidifiedAtMs", needs_approval as "needsApproval", approved,
        decided_by as "decidedBy", decided_at_ms as "decidedAtMs",
        decision_note as "decisionNote", to_claim as "toClaim",
        claimable_until_s as "claimableUntilS"
      from settlement.batches`;
  }
}

async function insertBatch(tx: Transaction, batch: NewBatch, nowMs: bigint): Promise<bigint> {
  const { asset, lines, totalUnits, needsApproval, toClaim } = batch;
  const [row] = await tx.sql<{ batchNo: bigint }[]>`
    insert into settlement.batches (asset, payouts, total_units, planned_at_ms, needs_approval,
      to_claim)
    values (${asset}, ${lines.length}, ${totalUnits}, ${nowMs}, ${needsApproval}, ${toClaim})
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
  await sealBatch(tx, batchNo, 'plan');
  return batchNo;
}
