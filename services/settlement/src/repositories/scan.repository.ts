import type { Database, Transaction } from '#libs/database';
import type { ForeignToken } from '../domain/foreign-token.js';
import { OUTCOME } from '../domain/states.js';
import { noteForeignTokens } from './foreign-token.repository.js';

/** How far the solidified chain has been read. */
export type Cursor = {
  readonly nextBlock: bigint;
  readonly lastBlockId: string;
  readonly lastTimestampMs: bigint;
};

/** A transfer to us, judged. Ids are hex. */
export type SeenDeposit = {
  readonly txid: string;
  readonly index: number;
  readonly asset: number;
  readonly sender: string;
  /** Account that a call of the vault named; undefined when it is the sender's. */
  readonly account: string | undefined;
  readonly baseUnits: bigint;
  readonly units: bigint;
  readonly state: number;
  readonly suspense: boolean;
  readonly note: string;
  readonly blockNumber: bigint;
};

/** What the chain made of a transaction of the hot wallet, or of one that was signed with a former key. */
export type OwnTransaction = {
  readonly txid: string;
  readonly blockNumber: bigint;
  readonly succeeded: boolean;
  readonly result: string;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
};

/** Transactions of the hot wallet that stop settlement: how many, and the first of them, hex. */
export type Unexplained = { readonly count: bigint; readonly txid: string | null };

/** A batch id that the vault has executed, or reserved for claims. */
export type VaultPayment = {
  readonly toClaim: boolean;
  readonly chainBatchId: string;
  readonly txid: string;
  readonly blockNumber: bigint;
};

/** A line of an executed batch that the vault could not pay. */
export type FailedLine = { readonly chainBatchId: string; readonly line: number };

/** A line of a claim set that was claimed. */
export type ClaimedPayout = FailedLine & { readonly txid: string; readonly blockNumber: bigint };

/** A claim set of which the rest was released. */
export type ClaimRelease = {
  readonly chainBatchId: string;
  readonly units: bigint;
  readonly txid: string;
  readonly blockNumber: bigint;
};

/** Everything of interest in a run of blocks. */
export type ScanResult = {
  readonly deposits: readonly SeenDeposit[];
  readonly own: readonly OwnTransaction[];
  readonly vaultPayments: readonly VaultPayment[];
  readonly failedPayouts: readonly FailedLine[];
  readonly claimed: readonly ClaimedPayout[];
  readonly released: readonly ClaimRelease[];
  readonly foreignTokens: readonly ForeignToken[];
};

const bytes = (hex: string) => Buffer.from(hex, 'hex');

/** Tables that the reader of the solidified chain fills. */
export class ScanRepository {
  constructor(private readonly database: Database) {}

  async cursor(): Promise<Cursor | undefined> {
    const [row] = await this.database.sql<Cursor[]>`
      select next_block as "nextBlock", last_block_id as "lastBlockId",
        last_timestamp_ms as "lastTimestampMs"
      from settlement.cursor`;
    return row;
  }

  /** Begins at a block; an existing cursor stays as it is. */
  async begin(nextBlock: bigint): Promise<void> {
    await this.database.sql`
      insert into settlement.cursor (next_block, last_block_id, last_timestamp_ms)
      values (${nextBlock}, '', 0) on conflict do nothing`;
  }

  /**
   * Stores what the blocks from `from` up to `to.nextBlock` hold and moves the cursor, all or
   * nothing. False when somebody else has read them meanwhile: nothing is stored then.
   */
  async advance(from: bigint, to: Cursor, result: ScanResult, nowMs: bigint): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const moved = await tx.sql`
        update settlement.cursor set next_block = ${to.nextBlock},
          last_block_id = ${to.lastBlockId}, last_timestamp_ms = ${to.lastTimestampMs}
        where next_block = ${from}`;
      if (moved.count !== 1) return false;
      for (const deposit of result.deposits) await insertDeposit(tx, deposit, nowMs);
      for (const own of result.own) await insertOwn(tx, own);
      for (const { chainBatchId, txid, blockNumber, toClaim } of result.vaultPayments) {
        await tx.sql`
          insert into settlement.vault_payments (chain_batch_id, txid, block_number, to_claim)
          values (${bytes(chainBatchId)}, ${bytes(txid)}, ${blockNumber}, ${toClaim})
          on conflict do nothing`;
      }
      for (const { chainBatchId, line } of result.failedPayouts) {
        await tx.sql`
          insert into settlement.failed_lines (chain_batch_id, line)
          values (${bytes(chainBatchId)}, ${line}) on conflict do nothing`;
      }
      for (const { chainBatchId, line, txid, blockNumber } of result.claimed) {
        await tx.sql`
          insert into settlement.claimed_lines (chain_batch_id, line, txid, block_number)
          values (${bytes(chainBatchId)}, ${line}, ${bytes(txid)}, ${blockNumber})
          on conflict do nothing`;
      }
      for (const { chainBatchId, units, txid, blockNumber } of result.released) {
        await tx.sql`
          insert into settlement.claim_releases (chain_batch_id, txid, units, block_number)
          values (${bytes(chainBatchId)}, ${bytes(txid)}, ${units}, ${blockNumber})
          on conflict do nothing`;
      }
      await noteForeignTokens(tx, result.foreignTokens, nowMs);
      return true;
    });
  }

  /** Ids of all transactions that were signed and of which the end is not known, hex; whichever key signed them. */
  async undecided(): Promise<ReadonlySet<string>> {
    const rows = await this.database.sql<{ txid: string }[]>`
      select encode(txid, 'hex') as txid from (
        select txid from settlement.attempts where outcome = ${OUTCOME.open}
        union all select txid from settlement.epoch_attempts where outcome = ${OUTCOME.open}
        union all select txid from settlement.release_attempts where outcome = ${OUTCOME.open}
      ) signed where txid is not null`;
    return new Set(rows.map(({ txid }) => txid));
  }

  /** Transactions of the hot wallet that are not on record here and that no operator has explained; should stay none. */
  async unexplained(): Promise<Unexplained> {
    const [row] = await this.database.sql<Unexplained[]>`
      select count(*) as count,
        (array_agg(encode(o.txid, 'hex') order by o.block_number, o.txid))[1] as txid
      from settlement.own_transactions o
      where o.unexplained and not exists (
        select from settlement.explanations e where e.txid = o.txid)`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    return row;
  }
}

async function insertDeposit(tx: Transaction, deposit: SeenDeposit, nowMs: bigint): Promise<void> {
  await tx.sql`
    insert into settlement.deposits (txid, index, asset, sender, account, base_units, units, state,
      suspense, note, block_number, seen_at_ms)
    values (${bytes(deposit.txid)}, ${deposit.index}, ${deposit.asset}, ${deposit.sender},
      ${deposit.account ?? null}, ${deposit.baseUnits.toString()}, ${deposit.units},
      ${deposit.state}, ${deposit.suspense}, ${deposit.note}, ${deposit.blockNumber}, ${nowMs})
    on conflict do nothing`;
}

// Whoever has the hot wallet's key may do more with it than pay, so whatever we did not sign for something of ours counts.
async function insertOwn(tx: Transaction, own: OwnTransaction): Promise<void> {
  const txid = bytes(own.txid);
  await tx.sql`
    insert into settlement.own_transactions (txid, block_number, succeeded, result, energy_used,
      fee_sun, unexplained)
    values (${txid}, ${own.blockNumber}, ${own.succeeded}, ${own.result}, ${own.energyUsed},
      ${own.feeSun}, ${own.succeeded}
        and not exists (select from settlement.attempts where txid = ${txid})
        and not exists (select from settlement.epoch_attempts where txid = ${txid})
        and not exists (select from settlement.release_attempts where txid = ${txid}))
    on conflict do nothing`;
}
