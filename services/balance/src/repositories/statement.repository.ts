import type { Database } from '#libs/database';
import type { Units } from '#libs/domain';

/** Balances of an account, in units. */
export type AccountBalances = {
  readonly accountNo: bigint;
  readonly available: Units;
  readonly held: Units;
  readonly inChannels: Units;
  readonly withdrawing: Units;
};

/** A posting as seen from an account. */
export type StatementLine = {
  readonly atMs: bigint;
  readonly part: number;
  readonly entryNo: bigint;
  readonly line: number;
  readonly kind: number;
  /** Negative when the account gave. */
  readonly units: Units;
  readonly reference: Buffer | null;
};

/** What an account's owner reads: balances and history. */
export class StatementRepository {
  constructor(private readonly database: Database) {}

  /** Balances of some accounts in one snapshot. */
  balances(accountNos: readonly bigint[]): Promise<AccountBalances[]> {
    const { sql } = this.database;
    return sql<AccountBalances[]>`
      select a.account_no as "accountNo",
        (select coalesce(sum(units), 0)::bigint from ledger.balances b
          where b.account_no = a.account_no) as available,
        (select coalesce(sum(units), 0)::bigint from ledger.holds h
          where h.account_no = a.account_no and h.units > 0) as held,
        (select coalesce(sum(deposit_units - cumulative_units), 0)::bigint from ledger.channels c
          where c.payer_no = a.account_no and c.state <> 3) as "inChannels",
        (select coalesce(sum(amount_units), 0)::bigint from ledger.withdrawals w
          where w.account_no = a.account_no and w.state not in (7, 8, 9)) as withdrawing
      from unnest(${sql.array([...accountNos], 1016)}::bigint[]) a(account_no)`;
  }

  /** Postings of an account, newest first, older than a position (at, part, entry, line, side). */
  history(
    accountNo: bigint,
    after: readonly bigint[],
    limit: number,
  ): Promise<(StatementLine & { readonly gave: number })[]> {
    const { sql } = this.database;
    const [atMs, part, entryNo, line] = after;
    const older =
      atMs === undefined
        ? sql``
        : sql`and (at_ms, part, entry_no, line)
            < (${atMs}::bigint, ${part ?? 0n}::smallint, ${entryNo ?? 0n}::bigint, ${line ?? 0n}::int)`;
    const order = sql`order by at_ms desc, part desc, entry_no desc, line desc limit ${limit}`;
    // Nobody pays himself, so a posting is on one side of an account only and the order is total.
    return sql<(StatementLine & { readonly gave: number })[]>`
      select s.at_ms as "atMs", s.part, s.entry_no as "entryNo", s.line, s.kind,
        case when s.gave = 1 then -s.units else s.units end as units, s.gave,
        coalesce(s.reference, c.channel_id) as reference
      from (
        (select *, 0 as gave from ledger.journal
          where credit_kind = 1 and credit_no = ${accountNo} ${older} ${order})
        union all
        (select *, 1 as gave from ledger.journal
          where debit_kind = 1 and debit_no = ${accountNo} ${older} ${order})
      ) s
      left join ledger.channels c
        on s.debit_kind = 2 and c.part = s.part and c.channel_no = s.debit_no
      order by s.at_ms desc, s.part desc, s.entry_no desc, s.line desc limit ${limit}`;
  }
}
