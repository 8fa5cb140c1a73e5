import type { Database } from '#libs/database';
import { DEPOSIT } from '../domain/states.js';

/** A deposit as stored. */
export type StoredDeposit = {
  readonly txid: Buffer;
  readonly index: number;
  readonly asset: number;
  readonly sender: string;
  /** Account that is credited: the sender's, unless a call of the vault named another. */
  readonly account: string;
  /** Decimal. */
  readonly baseUnits: string;
  readonly units: bigint;
  readonly state: number;
  readonly suspense: boolean;
  readonly blockNumber: bigint;
  /** Why it is not in an account's balance, else empty. */
  readonly note: string;
};

/** Rows of `settlement.deposits` after the chain's reader has stored them. */
export class DepositRepository {
  constructor(private readonly database: Database) {}

  /** Seen or decided about, and not yet booked as they are to be; oldest first. */
  unbooked(limit: number): Promise<StoredDeposit[]> {
    const { sql } = this.database;
    return sql<StoredDeposit[]>`${this.#select()}
      where state in (${DEPOSIT.seen}, ${DEPOSIT.resolving}) order by block_number limit ${limit}`;
  }

  find(txid: Uint8Array): Promise<StoredDeposit[]> {
    const { sql } = this.database;
    return sql<StoredDeposit[]>`${this.#select()} where txid = ${Buffer.from(txid)} order by index`;
  }

  /** Brings an unbooked deposit to `state`, with a note when it waits there; not if it moved meanwhile. */
  async close(
    deposit: StoredDeposit,
    end: { readonly state: number; readonly note: string; readonly nowMs: bigint },
  ): Promise<void> {
    await this.database.sql`
      update settlement.deposits
      set state = ${end.state}, note = ${end.note}, booked_at_ms = ${end.nowMs}
      where txid = ${deposit.txid} and index = ${deposit.index} and state = ${deposit.state}`;
  }

  /** Number of deposits by state. */
  async counts(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.database.sql<{ state: number; count: bigint }[]>`
      select state, rows as count from settlement.state_counts where source = 'deposits'`;
    return new Map(rows.map(({ state, count }) => [state, Number(count)]));
  }

  #select() {
    return this.database.sql`
      select txid, index, asset, sender, coalesce(account, sender) as account,
        base_units::text as "baseUnits", units, state, suspense, block_number as "blockNumber",
        note
      from settlement.deposits`;
  }
}
