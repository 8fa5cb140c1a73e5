import type { Database, TransactionSql } from '#libs/database';
import type { Address, Units } from '#libs/domain';

/** A withdrawal that is not finished. */
export type OpenWithdrawal = {
  readonly withdrawalId: Buffer;
  readonly account: Address;
  readonly amountUnits: Units;
};

/** What is owed to an account outside channels and withdrawals. */
export type AccountLiability = { readonly account: Address; readonly units: Units };

/** A channel that still holds something. */
export type ChannelLiability = {
  readonly channelId: Buffer;
  readonly payer: Address;
  readonly payee: Address;
  readonly bookedUnits: Units;
  readonly remainingUnits: Units;
};

/** The pages of one kind in a snapshot. */
export type Pages<T> = AsyncIterable<T[]>;

const PAGE_ROWS = 2_000;
/** Longest time that a reader may take over one page before the snapshot is given up. */
const IDLE_MS_MAX = '60000';

/** Everything that the ledger owes, row by row, of one snapshot. */
export class LiabilityRepository {
  constructor(private readonly database: Database) {}

  /** Reads in one snapshot that may last as long as the reader keeps taking pages. */
  snapshot<T>(read: (sql: TransactionSql) => Promise<T>): Promise<T> {
    return this.database.snapshot(async (sql) => {
      await sql`select set_config('statement_timeout', '0', true),
        set_config('idle_in_transaction_session_timeout', ${IDLE_MS_MAX}, true),
        set_config('max_parallel_workers_per_gather', '0', true)`;
      return read(sql);
    });
  }

  /** Withdrawals that are not finished, by number. */
  withdrawals(sql: TransactionSql): Pages<OpenWithdrawal> {
    return sql<OpenWithdrawal[]>`
      select w.withdrawal_id as "withdrawalId", a.address as account,
        w.amount_units as "amountUnits"
      from ledger.withdrawals w join ledger.accounts a on a.account_no = w.account_no
      where w.state not in (7, 8, 9) order by w.withdrawal_no`.cursor(PAGE_ROWS);
  }

  /** Available and held of every account that has ever had anything, by address. */
  accounts(sql: TransactionSql): Pages<AccountLiability> {
    return sql<AccountLiability[]>`
      select a.address as account, sum(o.units)::bigint as units
      from (
        select account_no, units from ledger.balances
        union all
        select account_no, units from ledger.holds where units > 0
      ) o join ledger.accounts a on a.account_no = o.account_no
      group by a.address order by a.address collate "C"`.cursor(PAGE_ROWS);
  }

  /** Channels that still hold something, by id. */
  channels(sql: TransactionSql): Pages<ChannelLiability> {
    return sql<ChannelLiability[]>`
      select c.channel_id as "channelId", payer.address as payer, payee.address as payee,
        c.cumulative_units as "bookedUnits",
        c.deposit_units - c.cumulative_units as "remainingUnits"
      from ledger.channels c
      join ledger.accounts payer on payer.account_no = c.payer_no
      join ledger.accounts payee on payee.account_no = c.payee_no
      where c.state <> 3 and c.deposit_units > c.cumulative_units
      order by c.channel_id`.cursor(PAGE_ROWS);
  }

  /** What the tables of holds and withdrawals add up to, in units. */
  async sums(sql: TransactionSql): Promise<{ held: Units; withdrawing: Units }> {
    const [row] = await sql<{ held: Units; withdrawing: Units }[]>`
      select
        (select coalesce(sum(units), 0)::bigint from ledger.holds where units > 0) as held,
        (select coalesce(sum(amount_units), 0)::bigint from ledger.withdrawals
          where state not in (7, 8, 9)) as withdrawing`;
    if (row === undefined) throw new Error('an aggregate returned no row');
    return row;
  }
}
