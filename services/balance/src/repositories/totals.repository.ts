import type { Database } from '#libs/database';
import type { Units } from '#libs/domain';

/** Sums over the tables, in units. */
export type TableTotals = {
  readonly available: Units;
  readonly held: Units;
  readonly inChannels: Units;
  readonly withdrawing: Units;
  readonly fees: Units;
  readonly suspense: Units;
  readonly reserve: Units;
  readonly channelsOpened: bigint;
  readonly channelsClosed: bigint;
  readonly postings: bigint;
  readonly logRecordsApplied: bigint;
};

/** What came in and went out by one asset. */
export type AssetFlow = {
  readonly asset: number;
  readonly deposited: Units;
  readonly withdrawn: Units;
};

/** Balance of one kind of ledger account as the journal alone gives it: credits − debits. */
export type JournalSum = { readonly kind: number; readonly units: Units };

/** Everything read in one snapshot. */
export type Totals = {
  readonly tables: TableTotals;
  readonly flows: AssetFlow[];
  readonly journal: JournalSum[];
};

/** Sums over the whole ledger. */
export class TotalsRepository {
  constructor(private readonly database: Database) {}

  /** All sums in one snapshot, so that money on its way is counted once. */
  async read(): Promise<Totals> {
    return this.database.sql.begin('isolation level repeatable read read only', async (sql) => {
      const [tables] = await sql<TableTotals[]>`
        select
          (select coalesce(sum(units), 0)::bigint from ledger.balances) as available,
          (select coalesce(sum(units), 0)::bigint from ledger.holds) as held,
          c.in_channels as "inChannels", c.opened as "channelsOpened", c.closed as "channelsClosed",
          (select coalesce(sum(amount_units), 0)::bigint from ledger.withdrawals
            where state < 7) as withdrawing,
          (select units from ledger.system_balances where kind = 5) as fees,
          (select sum(units)::bigint from ledger.system_balances where kind = 7) as suspense,
          (select sum(units)::bigint from ledger.system_balances where kind = 6) as reserve,
          (select count(*) from ledger.journal) as postings,
          (select coalesce(sum(next_offset), 0)::bigint from ledger.log_offsets
            where topic = 'vouchers') as "logRecordsApplied"
        from (
          select coalesce(sum(deposit_units - cumulative_units)
              filter (where state <> 3), 0)::bigint as in_channels,
            count(*) as opened, count(*) filter (where state = 3) as closed
          from ledger.channels
        ) c`;
      if (tables === undefined) throw new Error('the totals query returned no row');
      const flows = await sql<AssetFlow[]>`
        select asset::int, deposited, (
            select coalesce(sum(amount_units - fee_units), 0)::bigint from ledger.withdrawals w
            where w.state = 7 and w.asset = a.asset
          ) as withdrawn
        from (
          select v.asset, coalesce(sum(d.units), 0)::bigint as deposited
          from (values (1), (2)) v(asset) left join ledger.deposits d on d.asset = v.asset
          group by v.asset
        ) a order by asset`;
      const journal = await sql<JournalSum[]>`
        select kind::int, sum(units)::bigint as units from (
          select credit_kind as kind, units from ledger.journal
          union all
          select debit_kind, -units from ledger.journal
        ) entry group by kind order by kind`;
      return { tables, flows: [...flows], journal: [...journal] };
    }) as Promise<Totals>;
  }
}
