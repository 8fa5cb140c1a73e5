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

/** What is recorded of a deposit. */
export type StoredDeposit = {
  readonly asset: number;
  /** Null: in suspense. */
  readonly accountNo: bigint | null;
  readonly units: Units;
  /** When it left suspense; null when it was never there. */
  readonly resolvedAtMs: bigint | null;
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

  /** What was recorded for (txid, index), locked, to tell a repeat from a contradiction. */
  async lock(tx: Transaction, txid: Uint8Array, index: number): Promise<StoredDeposit | undefined> {
    const [row] = await tx.sql<StoredDeposit[]>`
      select asset, account_no as "accountNo", units, resolved_at_ms as "resolvedAtMs"
      from ledger.deposits where txid = ${Buffer.from(txid)} and index = ${index} for update`;
    return row;
  }

  /** Notes whose a deposit in suspense is. */
  async resolve(
    tx: Transaction,
    deposit: { readonly txid: Uint8Array; readonly index: number },
    to: { readonly accountNo: bigint; readonly nowMs: bigint },
  ): Promise<void> {
    const done = await tx.sql`
      update ledger.deposits set account_no = ${to.accountNo}, resolved_at_ms = ${to.nowMs}
      where txid = ${Buffer.from(deposit.txid)} and index = ${deposit.index}
        and account_no is null`;
    if (done.count !== 1) throw new Error('a deposit left suspense while it was locked');
  }
}
