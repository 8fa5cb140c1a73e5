import type { Transaction } from '#libs/database';
import type { Units } from '#libs/domain';

/** One transfer from the chain, to be credited once. */
export type NewDeposit = {
  readonly txid: Uint8Array;
  readonly index: number;
  readonly asset: number;
  /** Undefined: suspense. */
  readonly accountNo: bigint | undefined;
  readonly units: Units;
  readonly blockNumber: bigint;
  readonly creditedAtMs: bigint;
};

/** Rows of `ledger.deposits`. */
export class DepositRepository {
  /** Records a deposit; false when this (txid, index) is recorded already. */
  async insert(tx: Transaction, deposit: NewDeposit): Promise<boolean> {
    const done = await tx.sql`
      insert into ledger.deposits
        (txid, index, asset, account_no, units, block_number, credited_at_ms)
      values (${Buffer.from(deposit.txid)}, ${deposit.index}, ${deposit.asset},
        ${deposit.accountNo ?? null}, ${deposit.units}, ${deposit.blockNumber},
        ${deposit.creditedAtMs})
      on conflict do nothing`;
    return done.count === 1;
  }

  /** What was recorded for (txid, index), to tell a repeat from a contradiction. */
  async find(
    tx: Transaction,
    txid: Uint8Array,
    index: number,
  ): Promise<{ asset: number; accountNo: bigint | null; units: Units } | undefined> {
    const [row] = await tx.sql<{ asset: number; accountNo: bigint | null; units: Units }[]>`
      select asset, account_no as "accountNo", units from ledger.deposits
      where txid = ${Buffer.from(txid)} and index = ${index}`;
    return row;
  }
}
