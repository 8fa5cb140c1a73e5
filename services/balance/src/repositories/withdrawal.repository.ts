import { type Database, type Sql, type Transaction, type TransactionSql } from '#libs/database';
import type { Address, Units } from '#libs/domain';

/** A withdrawal as stored. */
export type StoredWithdrawal = {
  readonly withdrawalId: Buffer;
  readonly withdrawalNo: bigint;
  readonly contentHash: Buffer;
  readonly accountNo: bigint;
  readonly account: Address;
  readonly accountKey: Buffer | null;
  readonly asset: number;
  readonly destination: Address;
  readonly amountUnits: Units;
  readonly feeUnits: Units;
  readonly state: number;
  readonly failure: string;
  readonly txid: string;
  readonly requestedAtMs: bigint;
  /** Why it waits longer than usual, else empty. */
  readonly note: string;
  /** Its payee fetches it with a proof instead of being sent it. */
  readonly toClaim: boolean;
  /** Of one that waits; 0 where it was not counted. */
  readonly queuePosition: bigint;
};

/** What is needed to insert one. */
export type NewWithdrawal = Pick<
  StoredWithdrawal,
  'accountNo' | 'asset' | 'destination' | 'amountUnits' | 'feeUnits' | 'requestedAtMs' | 'toClaim'
> & { readonly withdrawalId: Uint8Array; readonly contentHash: Uint8Array };

/** Rows of `ledger.withdrawals`. */
export class WithdrawalRepository {
  constructor(private readonly database: Database) {}

  /** The withdrawal with its place in the queue. */
  async find(
    withdrawalId: Uint8Array,
    sql: Sql | TransactionSql = this.database.sql,
  ): Promise<StoredWithdrawal | undefined> {
    const [row] = await sql<StoredWithdrawal[]>`${select(sql, true)}
      where w.withdrawal_id = ${Buffer.from(withdrawalId)}`;
    return row;
  }

  /** The withdrawal with its row locked; its place in the queue is not counted. */
  async lock(tx: Transaction, withdrawalId: Uint8Array): Promise<StoredWithdrawal | undefined> {
    const [row] = await tx.sql<StoredWithdrawal[]>`${select(tx.sql, false)}
      where w.withdrawal_id = ${Buffer.from(withdrawalId)} for update of w`;
    return row;
  }

  /** Of one account, newest first. */
  list(accountNo: bigint, before: bigint | undefined, limit: number): Promise<StoredWithdrawal[]> {
    const { sql } = this.database;
    const older = before === undefined ? sql`` : sql`and w.withdrawal_no < ${before}`;
    return sql<StoredWithdrawal[]>`${select(sql, true)} where w.account_no = ${accountNo} ${older}
      order by w.withdrawal_no desc limit ${limit}`;
  }

  /** Unfinished ones of all accounts, oldest first; their places in the queue are not counted. */
  open(after: bigint, limit: number): Promise<StoredWithdrawal[]> {
    const { sql } = this.database;
    return sql<StoredWithdrawal[]>`${select(sql, false)}
      where w.state not in (7, 8, 9) and w.withdrawal_no > ${after} order by w.withdrawal_no limit ${limit}`;
  }

  /** Inserts one; returns its number, or undefined when the id is taken. */
  async insert(tx: Transaction, withdrawal: NewWithdrawal): Promise<bigint | undefined> {
    const [row] = await tx.sql<{ no: bigint }[]>`
      insert into ledger.withdrawals ${tx.sql({
        withdrawal_id: Buffer.from(withdrawal.withdrawalId),
        content_hash: Buffer.from(withdrawal.contentHash),
        account_no: withdrawal.accountNo,
        asset: withdrawal.asset,
        destination: withdrawal.destination,
        amount_units: withdrawal.amountUnits,
        fee_units: withdrawal.feeUnits,
        state: 1,
        requested_at_ms: withdrawal.requestedAtMs,
        updated_at_ms: withdrawal.requestedAtMs,
        to_claim: withdrawal.toClaim,
      })} on conflict (withdrawal_id) do nothing returning withdrawal_no as no`;
    return row?.no;
  }

  async update(
    tx: Transaction,
    withdrawalNo: bigint,
    change: { state: number; failure: string; txid: string; note: string; nowMs: bigint },
  ): Promise<void> {
    await tx.sql`update ledger.withdrawals
      set state = ${change.state}, failure = ${change.failure}, txid = ${change.txid},
        note = ${change.note}, updated_at_ms = ${change.nowMs}
      where withdrawal_no = ${withdrawalNo}`;
  }

  /**
   * What the asset's reserve covers beyond what is already promised to open withdrawals. In a
   * transaction the reserve's row is locked, so that two requests cannot promise the same units.
   */
  async uncommittedReserve(
    sql: Sql | TransactionSql,
    asset: number,
    lock: boolean,
  ): Promise<Units> {
    const [reserve] = await sql<{ units: Units }[]>`
      select units from ledger.system_balances where kind = 6 and no = ${asset}
      ${lock ? sql`for update` : sql``}`;
    const [promised] = await sql<{ units: Units }[]>`
      select coalesce(sum(amount_units), 0)::bigint as units from ledger.withdrawals
      where state not in (7, 8, 9) and asset = ${asset}`;
    return (reserve?.units ?? 0n) - (promised?.units ?? 0n);
  }

  /** How many withdrawals of an asset wait to be planned. */
  async queueLength(asset: number): Promise<bigint> {
    const [row] = await this.database.sql<{ length: bigint }[]>`
      select count(*) as length from ledger.withdrawals where state < 3 and asset = ${asset}`;
    return row?.length ?? 0n;
  }

  get sql(): Sql {
    return this.database.sql;
  }
}

/** How many of the same asset wait to be planned before this one. */
function place(sql: Sql | TransactionSql) {
  return sql`case when w.state >= 3 then 0 else (
    select count(*) from ledger.withdrawals q
    where q.state < 3 and q.asset = w.asset and q.withdrawal_no < w.withdrawal_no
  ) end`;
}

function select(sql: Sql | TransactionSql, counted: boolean) {
  return sql`
    select w.withdrawal_id as "withdrawalId", w.withdrawal_no as "withdrawalNo",
      w.content_hash as "contentHash", w.account_no as "accountNo", a.address as account,
      a.public_key as "accountKey", w.asset, w.destination, w.amount_units as "amountUnits",
      w.fee_units as "feeUnits", w.state, w.failure, w.txid, w.note, w.to_claim as "toClaim",
      w.requested_at_ms as "requestedAtMs", ${counted ? place(sql) : sql`0::bigint`} as "queuePosition"
    from ledger.withdrawals w join ledger.accounts a on a.account_no = w.account_no`;
}
