import type { Database, TransactionSql } from '#libs/database';
import type { Units } from '#libs/domain';
import type { ChainLink } from '../domain/flush-chain.js';
import type { ChainRepository, OperationSum } from './chain.repository.js';

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

/** Those of the sums that few rows carry, however large the ledger is. */
export type SmallTotals = Pick<
  TableTotals,
  'held' | 'withdrawing' | 'fees' | 'suspense' | 'reserve' | 'logRecordsApplied'
>;

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

/** What the chain has counted already, the operations that wait for it, and the small tables. */
export type CountedTotals = {
  readonly tables: SmallTotals;
  readonly heads: ChainLink[];
  readonly waiting: OperationSum[];
};

/** Sums over the whole ledger. */
export class TotalsRepository {
  constructor(
    private readonly database: Database,
    private readonly chain: ChainRepository,
  ) {}

  /** The sums that the chain carries: what this costs does not grow with the ledger. */
  readCounted(): Promise<CountedTotals> {
    return this.database.snapshot(async (sql) => ({
      tables: await readSmall(sql),
      heads: await this.chain.heads(sql),
      waiting: await this.chain.operationSums(sql),
    }));
  }

  /** All sums again from every row, in one snapshot, so that money on its way is counted once. */
  readAll(): Promise<Totals> {
    return this.database.snapshot(async (sql) => {
      // Nothing waits for this, and it must not take the other core from those who do have to wait.
      await sql`select set_config('statement_timeout', '0', true),
        set_config('max_parallel_workers_per_gather', '0', true)`;
      const [large] = await sql<Omit<TableTotals, keyof SmallTotals>[]>`
        select
          (select coalesce(sum(units), 0)::bigint from ledger.balances) as available,
          c.in_channels as "inChannels", c.opened as "channelsOpened", c.closed as "channelsClosed",
          (select count(*) from ledger.journal) as postings
        from (
          select coalesce(sum(deposit_units - cumulative_units)
              filter (where state <> 3), 0)::bigint as in_channels,
            count(*) as opened, count(*) filter (where state = 3) as closed
          from ledger.channels
        ) c`;
      if (large === undefined) throw new Error('the totals query returned no row');
      const flows = await readFlows(sql);
      const journal = await sql<JournalSum[]>`
        select kind::int, sum(units)::bigint as units from (
          select credit_kind as kind, units from ledger.journal
          union all
          select debit_kind, -units from ledger.journal
        ) entry group by kind order by kind`;
      return { tables: { ...large, ...(await readSmall(sql)) }, flows, journal: [...journal] };
    });
  }
}

async function readSmall(sql: TransactionSql): Promise<SmallTotals> {
  const [row] = await sql<SmallTotals[]>`
    select
      (select coalesce(sum(units), 0)::bigint from ledger.holds where units > 0) as held,
      (select coalesce(sum(amount_units), 0)::bigint from ledger.withdrawals
        where state not in (7, 8, 9)) as withdrawing,
      (select units from ledger.system_balances where kind = 5) as fees,
      (select sum(units)::bigint from ledger.system_balances where kind = 7) as suspense,
      (select sum(units)::bigint from ledger.system_balances where kind = 6) as reserve,
      (select coalesce(sum(next_offset), 0)::bigint from ledger.log_offsets
        where topic = 'vouchers') as "logRecordsApplied"`;
  if (row === undefined) throw new Error('the totals query returned no row');
  return row;
}

async function readFlows(sql: TransactionSql): Promise<AssetFlow[]> {
  return sql<AssetFlow[]>`
    select asset::int, deposited, (
        select coalesce(sum(amount_units - fee_units), 0)::bigint from ledger.withdrawals w
        where w.state = 7 and w.asset = a.asset
      ) as withdrawn
    from (
      select v.asset, coalesce(sum(d.units), 0)::bigint as deposited
      from (values (1), (2)) v(asset) left join ledger.deposits d on d.asset = v.asset
      group by v.asset
    ) a order by asset`;
}
