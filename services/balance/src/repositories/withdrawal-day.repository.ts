import type { Sql, Transaction, TransactionSql } from '#libs/database';
import type { Units } from '#libs/domain';
import type { DayUnits } from '../domain/withdrawal-limits.js';

/** Account number under which the units of all accounts are kept. */
const EVERYBODY = 0n;

/** Rows of `ledger.withdrawal_days`. */
export class WithdrawalDayRepository {
  /** What was withdrawn in a day. */
  async read(
    sql: Sql | TransactionSql,
    day: number,
    accountNo: bigint | undefined,
  ): Promise<DayUnits> {
    const rows = await sql<{ accountNo: bigint; units: Units }[]>`
      select account_no as "accountNo", units from ledger.withdrawal_days
      where day = ${day} and account_no in (${accountNo ?? EVERYBODY}, ${EVERYBODY})`;
    const of = (no: bigint) => rows.find((row) => row.accountNo === no)?.units ?? 0n;
    return { account: accountNo === undefined ? 0n : of(accountNo), ledger: of(EVERYBODY) };
  }

  /**
   * What was withdrawn in a day, with both rows locked until the transaction ends, so that of two
   * requests the second sees the first.
   */
  async lock(tx: Transaction, day: number, accountNo: bigint): Promise<DayUnits> {
    for (const no of [accountNo, EVERYBODY]) {
      await tx.sql`insert into ledger.withdrawal_days (day, account_no, units)
        values (${day}, ${no}, 0) on conflict do nothing`;
      await tx.sql`select from ledger.withdrawal_days
        where day = ${day} and account_no = ${no} for update`;
    }
    return this.read(tx.sql, day, accountNo);
  }

  /** Adds units; negative ones, of a withdrawal that is given back, take off what is there. */
  async add(tx: Transaction, day: number, accountNo: bigint, units: Units): Promise<void> {
    for (const no of [accountNo, EVERYBODY]) {
      await tx.sql`update ledger.withdrawal_days set units = greatest(units + ${units}, 0)
        where day = ${day} and account_no = ${no}`;
    }
  }

  /** Removes days that no limit looks at any more. */
  async removeBefore(sql: Sql, day: number): Promise<void> {
    await sql`delete from ledger.withdrawal_days where day < ${day}`;
  }
}
