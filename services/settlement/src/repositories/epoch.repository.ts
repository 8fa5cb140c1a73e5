import type { Database, QuerySql, Transaction, TransactionSql } from '#libs/database';
import { BATCH, PAYOUT } from '../domain/states.js';
import { BatchMovedError, durably } from './batch-transaction.repository.js';

/** An epoch as stored. */
export type StoredEpoch = {
  readonly epochNo: bigint;
  readonly buildNo: bigint;
  readonly state: number;
  readonly atMs: bigint;
  readonly secret: Buffer;
  readonly root: Buffer;
  readonly totalUnits: bigint;
  readonly leaves: number;
  readonly txid: Buffer | null;
  readonly failure: string;
};

/** An epoch to be stored, once its leaves and nodes are. */
export type NewEpoch = Omit<StoredEpoch, 'state' | 'txid' | 'failure'> & {
  readonly flushNos: readonly bigint[];
  readonly operations: readonly bigint[];
  readonly trc20ReserveUnits: bigint;
  readonly trc10ReserveUnits: bigint;
  readonly paidUnits: bigint;
  readonly payouts: readonly EpochPayout[];
  /** Batches that it lets go once it is committed. */
  readonly batchNos: readonly bigint[];
  /** Batches that no epoch will ever let go. */
  readonly strayNos: readonly bigint[];
  /** Pieces of leaves and nodes that must be there. */
  readonly chunks: number;
};

/** A withdrawal that is not in its account's leaf. */
export type EpochPayout = {
  readonly withdrawalId: Uint8Array;
  readonly batchNo: bigint;
  readonly line: number;
  readonly inTree: boolean;
};

/** A withdrawal that is in a batch or paid. */
export type BatchedPayout = {
  readonly withdrawalId: Buffer;
  readonly payoutState: number;
  readonly batchNo: bigint;
  readonly batchState: number;
  readonly batchPayouts: number;
  readonly attempts: number;
  readonly chainBatchId: Buffer | null;
  readonly isVault: boolean;
  readonly isLeaving: boolean;
  /** A committed epoch has let its batch go. */
  readonly isCleared: boolean;
  readonly line: number;
  readonly destination: string;
  readonly units: bigint;
};

/** What is waiting for an epoch. */
export type EpochState = {
  readonly lastAtMs: bigint | null;
  readonly triedAtMs: bigint | null;
  readonly lastNo: bigint | null;
  readonly batchesWait: boolean;
  readonly paidSince: boolean;
};

const IDS_PER_QUERY = 5_000;
const ROWS_PER_INSERT = 5_000;

/** Epochs: built piece by piece, stored in one transaction, listed as they are. */
export class EpochRepository {
  constructor(private readonly database: Database) {}

  /** The number of a new build; what is left of builds that were given up is removed. */
  async beginBuild(): Promise<bigint> {
    return this.database.transaction(async ({ sql }) => {
      for (const table of ['epoch_leaves', 'epoch_nodes']) {
        await sql`delete from ${sql(`settlement.${table}`)} t
          where not exists (select from settlement.epochs e where e.build_no = t.build_no)`;
      }
      const [row] = await sql<{ no: bigint }[]>`select nextval('settlement.epoch_builds') as no`;
      if (row === undefined) throw new Error('a sequence returned no number');
      return row.no;
    });
  }

  async addLeaves(buildNo: bigint, kind: number, chunkNo: number, piece: LeafPiece): Promise<void> {
    await this.database.sql`
      insert into settlement.epoch_leaves (build_no, kind, chunk_no, first_key, leaves)
      values (${buildNo}, ${kind}, ${chunkNo}, ${piece.firstKey}, ${piece.leaves})`;
  }

  async addNodes(buildNo: bigint, level: number, chunkNo: number, nodes: Buffer): Promise<void> {
    await this.database.sql`
      insert into settlement.epoch_nodes (build_no, level, chunk_no, first_hash, nodes)
      values (${buildNo}, ${level}, ${chunkNo}, ${nodes.subarray(0, 32)}, ${nodes})`;
  }

  /** Those of these withdrawals that are in a batch or paid, all of one moment. */
  batched(withdrawalIds: readonly Buffer[]): Promise<BatchedPayout[]> {
    return this.database.snapshot(async (sql) => {
      const found: BatchedPayout[] = [];
      for (let at = 0; at < withdrawalIds.length; at += IDS_PER_QUERY) {
        const ids = withdrawalIds.slice(at, at + IDS_PER_QUERY);
        found.push(...(await readBatched(sql, ids)));
      }
      return found;
    });
  }

  /** PLANNED. Throws a BatchMovedError when another epoch is open, has the number, or took pieces away. */
  store(epoch: NewEpoch): Promise<void> {
    return durably(this.database, async (tx) => {
      await insertEpoch(tx, epoch);
      const { epochNo } = epoch;
      for (let at = 0; at < epoch.payouts.length; at += ROWS_PER_INSERT) {
        const rows = epoch.payouts.slice(at, at + ROWS_PER_INSERT).map((payout) => ({
          epoch_no: epochNo,
          withdrawal_id: Buffer.from(payout.withdrawalId),
          batch_no: payout.batchNo,
          line: payout.line,
          in_tree: payout.inTree,
        }));
        await tx.sql`insert into settlement.epoch_payouts ${tx.sql(rows)}`;
      }
      const batches = { epoch_batches: epoch.batchNos, epoch_strays: epoch.strayNos };
      for (const [table, numbers] of Object.entries(batches)) {
        await tx.sql`insert into ${tx.sql(`settlement.${table}`)} (epoch_no, batch_no)
          select ${epochNo}, unnest(${tx.sql.array([...numbers], 1016)}::bigint[])`;
      }
    });
  }

  /** Removes leaves and nodes of all but the newest epochs that were committed. */
  async forget(kept: number): Promise<void> {
    for (const table of ['epoch_leaves', 'epoch_nodes']) {
      await this.database.sql`
        delete from ${this.database.sql(`settlement.${table}`)} where build_no in (
          select build_no from settlement.epochs where state = ${BATCH.failed}
          union all (select build_no from settlement.epochs where state = ${BATCH.solidified}
            order by epoch_no desc offset ${kept}))`;
    }
  }

  /** Batches that ask for an epoch to let them go. */
  async asking(): Promise<bigint[]> {
    const { sql } = this.database;
    const rows = await sql<{ batchNo: bigint }[]>`
      select b.batch_no as "batchNo" from settlement.batches b where ${asksForEpoch(sql)}`;
    return rows.map(({ batchNo }) => batchNo);
  }

  /** What decides whether an epoch is due. */
  async need(): Promise<EpochState> {
    const [row] = await this.database.sql<EpochState[]>`
      select max(e.epoch_no) as "lastNo", max(e.at_ms) as "triedAtMs",
        max(e.at_ms) filter (where e.state <> ${BATCH.failed}) as "lastAtMs",
        exists (
          select from settlement.batches b where ${asksForEpoch(this.database.sql)}
        ) as "batchesWait",
        (exists (
          select from settlement.batches b where b.state = ${BATCH.solidified}
            and b.chain_batch_id is not null and b.solidified_at_ms >= (
              select coalesce(max(at_ms), 0) from settlement.epochs where state <> ${BATCH.failed})
        ) or exists (
          select from settlement.claim_sets c where c.over_at_ms >= (
              select coalesce(max(at_ms), 0) from settlement.epochs where state <> ${BATCH.failed})
        )) and not exists (
          select from settlement.batches b where b.chain_batch_id is not null
            and b.state between ${BATCH.signed} and ${BATCH.confirmed}
        ) as "paidSince"
      from settlement.epochs e`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    return row;
  }

  /** Those of these batches that an epoch which is committed for good lets go. */
  async cleared(batchNos: readonly bigint[]): Promise<ReadonlySet<bigint>> {
    if (batchNos.length === 0) return new Set();
    const { sql } = this.database;
    const rows = await sql<{ batchNo: bigint }[]>`
      select distinct c.batch_no as "batchNo"
      from settlement.epoch_batches c join settlement.epochs e using (epoch_no)
      where c.batch_no = any(${sql.array([...batchNos], 1016)}::bigint[])
        and e.state = ${BATCH.solidified}`;
    return new Set(rows.map(({ batchNo }) => batchNo));
  }

  /** Epochs before a number, newest first. */
  list(before: bigint | undefined, limit: number): Promise<StoredEpoch[]> {
    const { sql } = this.database;
    return sql<StoredEpoch[]>`${this.#select()}
      ${before === undefined ? sql`` : sql`where epoch_no < ${before}`}
      order by epoch_no desc limit ${limit}`;
  }

  /** One epoch, or the newest that is committed for good. */
  async find(epochNo: bigint | undefined): Promise<StoredEpoch | undefined> {
    const { sql } = this.database;
    const [row] = await sql<StoredEpoch[]>`${this.#select()}
      where ${epochNo === undefined ? sql`state = ${BATCH.solidified}` : sql`epoch_no = ${epochNo}`}
      order by epoch_no desc limit 1`;
    return row;
  }

  #select() {
    return this.database.sql`
      select epoch_no as "epochNo", build_no as "buildNo", state, at_ms as "atMs", secret, root,
        total_units as "totalUnits", leaves, txid, failure
      from settlement.epochs`;
  }
}

/** A batch `b` waits for an epoch that lets it go, and may hope for one. */
function asksForEpoch(sql: QuerySql) {
  return sql`${waitsForEpoch(sql)} and not exists (
    select from settlement.epoch_strays t join settlement.epochs o using (epoch_no)
    where t.batch_no = b.batch_no and o.state <> ${BATCH.failed})`;
}

/** No epoch lets a batch `b` go yet, which must be before it is signed. */
export function waitsForEpoch(sql: QuerySql) {
  return sql`b.state = ${BATCH.planned}
    and (b.chain_batch_id is not null or b.leaving_at_ms is not null)
    and not exists (
      select from settlement.epoch_batches c join settlement.epochs o using (epoch_no)
      where c.batch_no = b.batch_no and o.state <> ${BATCH.failed})`;
}

/** Some leaves in the order of their keys, without their salts. */
export type LeafPiece = { readonly firstKey: string; readonly leaves: Buffer };

function readBatched(sql: TransactionSql, ids: readonly Buffer[]): Promise<BatchedPayout[]> {
  return sql<BatchedPayout[]>`
    select p.withdrawal_id as "withdrawalId", p.state as "payoutState", b.batch_no as "batchNo",
      b.state as "batchState", b.payouts as "batchPayouts", b.attempts,
      b.chain_batch_id as "chainBatchId", b.chain_batch_id is not null as "isVault",
      b.leaving_at_ms is not null as "isLeaving",
      exists (
        select from settlement.epoch_batches c join settlement.epochs e using (epoch_no)
        where c.batch_no = b.batch_no and e.state = ${BATCH.solidified}
      ) as "isCleared", l.line, l.destination, l.units
    from settlement.payouts p
    join settlement.batches b on b.batch_no = p.batch_no
    join settlement.batch_payouts l
      on l.batch_no = b.batch_no and l.withdrawal_id = p.withdrawal_id
    where p.state in (${PAYOUT.batched}, ${PAYOUT.paid}, ${PAYOUT.claimable})
      and p.withdrawal_id = any(${sql.array([...ids], 1001)}::bytea[])`;
}

async function insertEpoch(tx: Transaction, epoch: NewEpoch): Promise<void> {
  const int8s = (values: readonly bigint[]) => tx.sql.array([...values], 1016);
  const { buildNo } = epoch;
  const [pieces] = await tx.sql<{ count: bigint }[]>`
    select (select count(*) from settlement.epoch_leaves where build_no = ${buildNo})
      + (select count(*) from settlement.epoch_nodes where build_no = ${buildNo}) as count`;
  if (pieces?.count !== BigInt(epoch.chunks)) {
    throw new BatchMovedError('another process took pieces of this epoch away');
  }
  const inserted = await tx.sql`
    insert into settlement.epochs (epoch_no, build_no, at_ms, secret, root, total_units, leaves,
      flush_nos, operations, trc20_reserve_units, trc10_reserve_units, paid_units)
    values (${epoch.epochNo}, ${buildNo}, ${epoch.atMs}, ${epoch.secret}, ${epoch.root},
      ${epoch.totalUnits}, ${epoch.leaves}, ${int8s(epoch.flushNos)}, ${int8s(epoch.operations)},
      ${epoch.trc20ReserveUnits}, ${epoch.trc10ReserveUnits}, ${epoch.paidUnits})
    on conflict do nothing`;
  if (inserted.count !== 1) throw new BatchMovedError('another epoch is open');
}
