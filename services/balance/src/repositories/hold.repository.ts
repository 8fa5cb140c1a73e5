import type { Database, Transaction } from '#libs/database';
import type { Units } from '#libs/domain';

/** A bid's hold as stored. */
export type Hold = {
  readonly holdNo: bigint;
  readonly contentHash: Buffer;
  readonly accountNo: bigint;
  /** What is still held. */
  readonly units: Units;
  readonly released: boolean;
};

/** Rows of `ledger.holds`. */
export class HoldRepository {
  constructor(private readonly database: Database) {}

  async find(orderId: Uint8Array): Promise<Hold | undefined> {
    const { sql } = this.database;
    const [row] = await sql<Hold[]>`
      select hold_no as "holdNo", content_hash as "contentHash", account_no as "accountNo",
        units, released
      from ledger.holds where order_id = ${Buffer.from(orderId)}`;
    return row;
  }

  /** The hold with its row locked. */
  async lock(tx: Transaction, orderId: Uint8Array): Promise<Hold | undefined> {
    const [row] = await tx.sql<Hold[]>`
      select hold_no as "holdNo", content_hash as "contentHash", account_no as "accountNo",
        units, released
      from ledger.holds where order_id = ${Buffer.from(orderId)} for update`;
    return row;
  }

  /** Makes a hold; undefined when the order has one already. */
  async insert(
    tx: Transaction,
    hold: { orderId: Uint8Array; contentHash: Uint8Array; accountNo: bigint; units: Units },
  ): Promise<bigint | undefined> {
    const [row] = await tx.sql<{ holdNo: bigint }[]>`
      insert into ledger.holds (order_id, content_hash, account_no, placed_units, units)
      values (${Buffer.from(hold.orderId)}, ${Buffer.from(hold.contentHash)}, ${hold.accountNo},
        ${hold.units}, ${hold.units})
      on conflict (order_id) do nothing returning hold_no as "holdNo"`;
    return row?.holdNo;
  }

  /** Takes units out of a hold; the table's check refuses more than is there. */
  async take(tx: Transaction, holdNo: bigint, units: Units, released: boolean): Promise<void> {
    await tx.sql`update ledger.holds set units = units - ${units}, released = ${released}
      where hold_no = ${holdNo}`;
  }
}
