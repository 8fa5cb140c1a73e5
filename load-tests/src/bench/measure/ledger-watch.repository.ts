import type { Database } from '#libs/database';

/** Counters of the database server. */
export type PostgresCounters = {
  readonly walBytes: number;
  readonly fsyncs: number;
  readonly transactions: number;
};

/** A look at the ledger from outside, as its owner; cheap enough to be taken twenty times a second. */
export class LedgerWatchRepository {
  /** Statements sent so far, each a transaction that is not the system's own. */
  statements = 0;

  constructor(private readonly database: Database) {}

  /** Next offset to be applied, by partition of the voucher log. */
  async nextOffsets(): Promise<number[]> {
    this.statements += 1;
    const rows = await this.database.sql<{ part: number; next: bigint }[]>`
      select part, next_offset as next from ledger.log_offsets where topic = 'vouchers' order by part`;
    return rows.map(({ next }) => Number(next));
  }

  /** Units that payments moved so far: as every payment of a corpus moves one unit, payments applied. */
  async appliedUnits(): Promise<number> {
    this.statements += 1;
    const [row] = await this.database.sql<{ units: bigint }[]>`
      select coalesce(sum(units), 0)::bigint as units from ledger.balances where part >= 0`;
    return Number(row?.units ?? 0n);
  }

  /** What seeded channels owe, by their number in the corpus. */
  async owed(firstChannelNo: bigint, channels: number): Promise<Float64Array> {
    const owed = new Float64Array(channels);
    await this.database.sql<{ no: bigint; units: bigint }[]>`
      select channel_no as no, cumulative_units as units from ledger.channels
      where channel_no >= ${firstChannelNo} and channel_no < ${firstChannelNo + BigInt(channels)}
        and cumulative_units > 0`.cursor(10_000, (rows) => {
      for (const { no, units } of rows) owed[Number(no - firstChannelNo)] = Number(units);
    });
    return owed;
  }

  /**
   * Conservation by this program's own reckoning, from rows and not from the service's totals: every
   * kind of ledger account holds what the journal says, what is owed is what came in, and every link of
   * the hash chain follows from the one before. Returns the first difference.
   */
  async difference(): Promise<string | undefined> {
    return await this.database.transaction(async ({ sql }) => {
      await sql`set transaction isolation level repeatable read`;
      await sql`set local statement_timeout = 0`;
      const [row] = await sql<Record<string, bigint>[]>`
        with journal as (
          select kind, sum(units)::bigint as units from (
            select credit_kind as kind, units from ledger.journal
            union all select debit_kind, -units from ledger.journal
          ) side group by kind
        )
        select
          (select coalesce(sum(units), 0)::bigint from journal where kind = 1) as "journal available",
          (select coalesce(sum(units), 0)::bigint from ledger.balances) as "available",
          (select coalesce(sum(units), 0)::bigint from journal where kind = 2) as "journal channels",
          (select coalesce(sum(deposit_units - cumulative_units), 0)::bigint from ledger.channels
            where state <> 3) as "channels",
          (select -coalesce(sum(units), 0)::bigint from journal where kind = 6) as "journal reserve",
          (select sum(units)::bigint from ledger.system_balances where kind = 6) as "reserve",
          (select count(*) from ledger.quarantine) as "quarantined",
          (select count(*) from (
            select hash, prev_hash, ledger.flush_hash(f) as again,
              lag(hash) over (partition by part order by flush_no) as before
            from ledger.flushes f
          ) link where hash <> again or prev_hash <> before) as "broken links"`;
      return row === undefined ? 'no answer' : firstDifference(row);
    });
  }

  /** Counters of the server since it started, without this program's own transactions. */
  async counters(): Promise<PostgresCounters> {
    this.statements += 1;
    const [row] = await this.database.sql<{ wal: string; fsyncs: string; xacts: bigint }[]>`
      select (select wal_bytes from pg_stat_wal)::text as wal,
        (select coalesce(sum(fsyncs), 0) from pg_stat_io where object = 'wal')::text as fsyncs,
        (select xact_commit from pg_stat_database where datname = current_database()) as xacts`;
    return {
      walBytes: Number(row?.wal ?? 0),
      fsyncs: Number(row?.fsyncs ?? 0),
      transactions: Number(row?.xacts ?? 0n) - this.statements,
    };
  }
}

function firstDifference(sums: Readonly<Record<string, bigint>>): string | undefined {
  for (const name of ['available', 'channels', 'reserve']) {
    const [booked, stored] = [sums[`journal ${name}`], sums[name]];
    if (booked !== stored) return `${name}: the journal gives ${booked}, the tables give ${stored}`;
  }
  if ((sums.quarantined ?? 0n) > 0n) return `${sums.quarantined} claims are in quarantine`;
  if ((sums['broken links'] ?? 0n) > 0n)
    return `${sums['broken links']} links of the hash chain are broken`;
  const owed = (sums.available ?? 0n) + (sums.channels ?? 0n);
  return owed === sums.reserve ? undefined : `owed ${owed} is not the reserve ${sums.reserve}`;
}
