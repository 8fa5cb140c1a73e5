import type { Finding } from './findings.js';

/** A question to the books: every row of the answer is a finding, told by its column `text`. */
export type Check = {
  readonly kind: Finding['kind'];
  readonly query: string;
};

// Numbers of kinds are written out: the checker must not read them from the code that it checks.
// Ledger accounts: 1 available, 2 channel, 6 reserve. Postings: 3 payment.

/** Questions that need nothing but the tables. */
export const CHECKS: readonly Check[] = [
  {
    kind: 'doubled',
    query: `
      select format('records from offset %s of partition %s were applied %s times', entry_no, part, count(*))
        as text
      from (select distinct part, entry_no, at_ms from ledger.journal where part >= 0) applied
      group by part, entry_no having count(*) > 1`,
  },
  {
    kind: 'doubled',
    query: `
      select format('channel %s was paid %s times by the flush at offset %s of partition %s',
        encode(c.channel_id, 'hex'), count(*), j.entry_no, j.part) as text
      from ledger.journal j
      left join ledger.channels c on c.part = j.part and c.channel_no = j.debit_no
      where j.part >= 0 and j.kind = 3
      group by j.part, j.entry_no, j.debit_no, c.channel_id having count(*) > 1`,
  },
  {
    kind: 'books',
    query: `
      select format('channel %s owes %s, its postings add up to %s', encode(c.channel_id, 'hex'),
        c.cumulative_units, coalesce(paid.units, 0)) as text
      from ledger.channels c
      left join (
        select part, debit_no as channel_no, sum(units) as units from ledger.journal
        where kind = 3 and debit_kind = 2 group by part, debit_no
      ) paid using (part, channel_no)
      where c.cumulative_units <> coalesce(paid.units, 0)`,
  },
  {
    kind: 'invented',
    query: `
      select format('channel %s owes %s of a deposit of %s', encode(channel_id, 'hex'), cumulative_units,
        deposit_units) as text
      from ledger.channels where cumulative_units > deposit_units`,
  },
  {
    kind: 'books',
    query: `
      select format('account %s has %s in part %s, its postings add up to %s', account_no,
        coalesce(b.units, 0), part, coalesce(j.units, 0)) as text
      from ledger.balances b
      full join (
        select part, account_no, sum(units) as units from (
          select part, credit_no as account_no, units from ledger.journal where credit_kind = 1
          union all
          select part, debit_no, -units from ledger.journal where debit_kind = 1
        ) sides group by part, account_no
      ) j using (part, account_no)
      where coalesce(b.units, 0) <> coalesce(j.units, 0)`,
  },
  {
    kind: 'books',
    query: `
      select format('the ledger owes %s, its reserve is %s', owed, reserve) as text
      from (
        select (select coalesce(sum(units), 0) from ledger.balances)
          + (select coalesce(sum(deposit_units - cumulative_units), 0) from ledger.channels
             where state <> 3)
          + (select coalesce(sum(units), 0) from ledger.holds)
          + (select coalesce(sum(amount_units), 0) from ledger.withdrawals
             where state not in (7, 8, 9))
          + (select coalesce(sum(units), 0) from ledger.system_balances where kind in (5, 7)) as owed,
          (select coalesce(sum(units), 0) from ledger.system_balances where kind = 6) as reserve
      ) sums where owed <> reserve`,
  },
  {
    kind: 'books',
    query: `
      select format('the reserve of asset %s is %s, deposits and payouts add up to %s', s.no, s.units,
        coalesce(j.units, 0)) as text
      from ledger.system_balances s
      left join (
        select no, sum(units) as units from (
          select debit_no as no, units from ledger.journal where debit_kind = 6
          union all
          select credit_no, -units from ledger.journal where credit_kind = 6
        ) sides group by no
      ) j using (no)
      where s.kind = 6 and s.units <> coalesce(j.units, 0)`,
  },
  {
    kind: 'quarantine',
    query: `
      select format('%s partition %s offset %s: %s', topic, part, log_offset, reason) as text
      from ledger.quarantine`,
  },
];

/** Questions to the chain of flushes: do the links follow on one another, and cover the log without a gap? */
export const CHAIN_CHECKS: readonly Check[] = [
  {
    kind: 'offsets',
    query: `
      select format('link %s of part %s goes on at %s after one that ended at %s', flush_no, part,
        first_offset, before) as text
      from (
        select *, lag(next_offset) over (partition by part order by flush_no) as before
        from ledger.flushes
      ) f where before is not null and before <> first_offset`,
  },
  {
    kind: 'offsets',
    query: `
      select format('partition %s is applied up to %s, its chain ends at %s', o.part, o.next_offset,
        f.next_offset) as text
      from ledger.log_offsets o
      left join (select part, max(next_offset) as next_offset from ledger.flushes group by part) f
        on f.part = o.part
      where o.topic = 'vouchers' and o.next_offset is distinct from f.next_offset`,
  },
  {
    kind: 'offsets',
    query: `
      select format('%s postings at offset %s of partition %s belong to no flush', count(*), j.entry_no,
        j.part) as text
      from ledger.journal j
      left join ledger.flushes f
        on f.part = j.part and f.first_offset = j.entry_no and f.next_offset > f.first_offset
      where j.part >= 0 and f.part is null
      group by j.part, j.entry_no`,
  },
  {
    kind: 'chain',
    query: `
      select format('link %s of part %s does not follow on the one before it', flush_no, part) as text
      from (
        select *, lag(hash) over w as before, lag(flush_no) over w as before_no from ledger.flushes
        window w as (partition by part order by flush_no)
      ) f
      where (before is not null and (before <> prev_hash or before_no + 1 <> flush_no))`,
  },
];

/**
 * The costly ones: every link is hashed again, from the rows of the journal that it stands for. Only
 * links from these numbers on, by part (an array of nine: operations, then partitions 0 to 7).
 */
export const HASH_CHECKS: readonly Check[] = [
  {
    kind: 'chain',
    query: `
      select format('link %s of part %s does not hash to what it says', f.flush_no, f.part) as text
      from ledger.flushes f
      where f.flush_no >= ($1::bigint[])[f.part + 2] and ledger.flush_hash(f) <> f.hash`,
  },
  {
    kind: 'chain',
    query: `
      select format('link %s of part %s stands for %s postings that hash to something else than the %s there are',
        f.flush_no, f.part, f.postings, coalesce(j.postings, 0)) as text
      from ledger.flushes f
      left join (
        select part, entry_no, count(*) as postings, sha256(
          string_agg(ledger.journal_bytes(j), ''::bytea order by line)) as hash
        from ledger.journal j
        where part >= 0 and at_ms >= (
          select min(n.at_ms) from ledger.flushes n where n.flush_no >= ($1::bigint[])[n.part + 2])
        group by part, entry_no
      ) j on j.part = f.part and j.entry_no = f.first_offset and f.next_offset > f.first_offset
      where f.part >= 0 and f.flush_no >= ($1::bigint[])[f.part + 2]
        and (f.postings <> coalesce(j.postings, 0)
          or f.postings_hash <> coalesce(j.hash, sha256(''::bytea)))`,
  },
  {
    kind: 'chain',
    query: `
      select format('link %s of the operations stands for %s postings that hash to something else than the %s there are',
        f.flush_no, f.postings, j.postings) as text
      from ledger.flushes f
      cross join lateral (
        select count(*) as postings, sha256(coalesce(
          string_agg(ledger.journal_bytes(j), ''::bytea order by j.entry_no, j.line), ''::bytea)) as hash
        from ledger.journal j where j.part = -1 and j.entry_no = any(f.operations)
      ) j
      where f.part = -1 and f.flush_no >= ($1::bigint[])[1]
        and (f.postings <> j.postings or f.postings_hash <> j.hash)`,
  },
];
