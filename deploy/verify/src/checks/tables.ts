import type { Audit, Check } from '../audit.js';
import type { JournalRow } from '../journal.js';
import { type Comparison, comparing } from './comparison.js';

// What each ledger account holds by the journal alone; the reserve counts as what the chain holds for us.
const ENTRIES = `
  select part, credit_kind as kind, credit_no as no, units from ledger.journal
  union all select part, debit_kind, debit_no, -units from ledger.journal`;

const BALANCES = `
  with booked as (
    select part, no, sum(units) as units from (${ENTRIES}) e where kind = 1 group by part, no
  )
  select format('part %s, account %s', coalesce(b.part, k.part), coalesce(b.account_no, k.no)) as key,
    jsonb_build_object('units', coalesce(k.units, 0)::text, 'account exists', true) as expected,
    jsonb_build_object('units', coalesce(b.units, 0)::text,
      'account exists', a.account_no is not null) as found
  from ledger.balances b full join booked k on k.part = b.part and k.no = b.account_no
  left join ledger.accounts a on a.account_no = coalesce(b.account_no, k.no)`;

const SYSTEM = `
  with booked as (
    select kind, no, sum(case kind when 6 then -units else units end) as units
    from (${ENTRIES}) e where kind in (5, 6, 7) group by kind, no
  )
  select format('kind %s, number %s', coalesce(s.kind, k.kind), coalesce(s.no, k.no)) as key,
    jsonb_build_object('units', coalesce(k.units, 0)::text) as expected,
    jsonb_build_object('units', s.units::text) as found
  from ledger.system_balances s full join booked k on k.kind = s.kind and k.no = s.no`;

const CHANNELS = `
  with opened as (
    select j.credit_no as no, j.units, j.reference, j.at_ms,
      case j.debit_kind when 1 then j.debit_no else h.account_no end as payer
    from ledger.journal j left join ledger.holds h on j.debit_kind = 3 and h.hold_no = j.debit_no
    where j.credit_kind = 2
  ), left_by as (
    select debit_no as no, coalesce(sum(units) filter (where kind = 3), 0) as paid,
      sum(units) filter (where kind = 5) as returned, min(part) as part, max(part) as part_max,
      min(credit_no) filter (where kind = 3) as payee, max(credit_no) filter (where kind = 3) as payee_max,
      max(credit_no) filter (where kind = 5) as returned_to
    from ledger.journal where debit_kind = 2 group by debit_no
  )
  select format('part %s, channel %s', c.part, coalesce(c.channel_no, o.no, l.no)) as key,
    jsonb_build_object(
      'channel_id', encode(o.reference, 'hex'), 'deposit_units', o.units::text,
      'opened_at_ms', o.at_ms::text, 'payer_no', o.payer::text,
      'cumulative_units', coalesce(l.paid, 0)::text, 'part', coalesce(l.part, c.part),
      'last part', coalesce(l.part_max, c.part), 'payee_no', coalesce(l.payee, c.payee_no)::text,
      'last payee', coalesce(l.payee_max, c.payee_no)::text,
      'returned to', coalesce(l.returned_to, c.payer_no)::text,
      'closed', l.returned is not null or (c.state = 3 and o.units = coalesce(l.paid, 0)),
      'returned', case when l.returned is not null then (o.units - coalesce(l.paid, 0))::text end,
      'accounts exist', true) as expected,
    jsonb_build_object(
      'channel_id', encode(c.channel_id, 'hex'), 'deposit_units', c.deposit_units::text,
      'opened_at_ms', c.opened_at_ms::text, 'payer_no', c.payer_no::text,
      'cumulative_units', c.cumulative_units::text, 'part', c.part, 'last part', c.part,
      'payee_no', c.payee_no::text, 'last payee', c.payee_no::text, 'returned to', c.payer_no::text,
      'closed', c.state = 3, 'returned', l.returned::text,
      'accounts exist', exists (select from ledger.accounts a where a.account_no = c.payer_no)
        and exists (select from ledger.accounts a where a.account_no = c.payee_no)) as found
  from ledger.channels c full join opened o on o.no = c.channel_no
  full join left_by l on l.no = coalesce(c.channel_no, o.no)`;

const HOLDS = `
  with placed as (
    select credit_no as no, debit_no as account_no, units, reference
    from ledger.journal where credit_kind = 3
  ), taken as (
    select debit_no as no, sum(units) as units, bool_or(kind = 7) as released
    from ledger.journal where debit_kind = 3 group by debit_no
  )
  select format('hold %s', coalesce(h.hold_no, p.no)) as key,
    jsonb_build_object('order_id', encode(p.reference, 'hex'), 'account_no', p.account_no::text,
      'placed_units', p.units::text, 'units', (p.units - coalesce(t.units, 0))::text,
      'released', coalesce(t.released, false) or (h.released and p.units = t.units)) as expected,
    jsonb_build_object('order_id', encode(h.order_id, 'hex'), 'account_no', h.account_no::text,
      'placed_units', h.placed_units::text, 'units', h.units::text, 'released', h.released) as found
  from ledger.holds h full join placed p on p.no = h.hold_no left join taken t on t.no = p.no`;

const WITHDRAWALS = `
  with asked as (
    select credit_no as no, debit_no as account_no, units, reference, at_ms
    from ledger.journal where credit_kind = 4
  ), ended as (
    select debit_no as no, sum(units) filter (where kind = 10) as paid,
      max(credit_no) filter (where kind = 10) as asset,
      coalesce(sum(units) filter (where kind = 11), 0) as fee,
      sum(units) filter (where kind = 12) as refunded,
      max(credit_no) filter (where kind = 12) as refunded_to
    from ledger.journal where debit_kind = 4 group by debit_no
  )
  select format('withdrawal %s', coalesce(w.withdrawal_no, a.no)) as key,
    jsonb_build_object('withdrawal_id', encode(a.reference, 'hex'), 'account_no', a.account_no::text,
      'amount_units', a.units::text, 'requested_at_ms', a.at_ms::text,
      'ended', case when e.paid is not null then 'paid' when e.refunded is not null then 'given back'
        else 'open' end,
      'fee_units', case when e.paid is null then w.fee_units else e.fee end::text,
      'asset', coalesce(e.asset, w.asset)::text,
      'paid', case when e.paid is not null then (a.units - e.fee)::text end,
      'given back', case when e.refunded is not null then a.units::text end,
      'given back to', coalesce(e.refunded_to, w.account_no)::text) as expected,
    jsonb_build_object('withdrawal_id', encode(w.withdrawal_id, 'hex'), 'account_no', w.account_no::text,
      'amount_units', w.amount_units::text, 'requested_at_ms', w.requested_at_ms::text,
      'ended', case when w.state = 7 then 'paid' when w.state in (8, 9) then 'given back'
        else 'open' end,
      'fee_units', w.fee_units::text, 'asset', w.asset::text, 'paid', e.paid::text,
      'given back', e.refunded::text, 'given back to', w.account_no::text) as found
  from ledger.withdrawals w full join asked a on a.no = w.withdrawal_no
  left join ended e on e.no = a.no`;

const DEPOSITS = `
  with booked as (
    select reference, debit_no as asset, units, at_ms, credit_kind, credit_no,
      row_number() over (partition by reference, debit_no, units, at_ms, credit_kind, credit_no) as nth
    from ledger.journal where kind = 1
  ), resolved as (
    select reference, units, at_ms, credit_no from ledger.journal where kind = 13
  ), kept as (
    select d.*, row_number() over (partition by txid, asset, units, credited_at_ms,
        (account_no is null or resolved_at_ms is not null), account_no order by index) as nth,
      case when account_no is null or resolved_at_ms is not null then 7 else 1 end as credit_kind,
      case when account_no is null or resolved_at_ms is not null then asset else account_no end
        as credit_no
    from ledger.deposits d
  )
  select format('transaction %s, index %s', encode(coalesce(k.txid, b.reference), 'hex'), k.index) as key,
    jsonb_build_object('posting', true,
      'resolution', k.resolved_at_ms is not null) as expected,
    jsonb_build_object('posting', b.reference is not null and k.txid is not null,
      'resolution', k.resolved_at_ms is not null and exists (select from resolved r where r.reference = k.txid and r.units = k.units
        and r.at_ms = k.resolved_at_ms and r.credit_no = k.account_no)) as found
  from kept k full join booked b on b.reference = k.txid and b.asset = k.asset and b.units = k.units
    and b.at_ms = k.credited_at_ms and b.credit_kind = k.credit_kind and b.credit_no = k.credit_no
    and b.nth = k.nth`;

const TRANSFERS = `
  with booked as (select reference, at_ms from ledger.journal where kind = 2)
  select format('transfer %s', encode(coalesce(t.transfer_id, b.reference), 'hex')) as key,
    jsonb_build_object('booked_at_ms', b.at_ms::text) as expected,
    jsonb_build_object('booked_at_ms', t.booked_at_ms::text) as found
  from ledger.transfers t full join booked b on b.reference = t.transfer_id`;

const CLOSED = `
  select format('part %s', f.part) as key,
    jsonb_build_object('channels closed', f.total_closed) as expected,
    jsonb_build_object('channels closed',
      (select count(*) from ledger.channels c where c.part = f.part and c.state = 3)) as found
  from ledger.flushes f where f.part >= 0 and f.flush_no = (
    select max(l.flush_no) from ledger.flushes l where l.part = f.part)`;

// Days that no limit looks at any more are removed.
const DAYS = `
  with asked as (
    select requested_at_ms / 86400000 as day, account_no, amount_units as units
    from ledger.withdrawals where state not in (8, 9)
  ), sums as (
    select day, account_no, sum(units) as units from asked group by 1, 2
    union all select day, 0, sum(units) from asked group by 1
  )
  select format('day %s, account %s', d.day, d.account_no) as key,
    jsonb_build_object('units', coalesce(s.units, 0)) as expected,
    jsonb_build_object('units', d.units) as found
  from ledger.withdrawal_days d left join sums s on s.day = d.day and s.account_no = d.account_no`;

const COMPARISONS: readonly Comparison[] = [
  { name: 'Balances', table: 'ledger.balances', rows: BALANCES },
  { name: 'Fees, reserve, suspense', table: 'ledger.system_balances', rows: SYSTEM },
  { name: 'Holds', table: 'ledger.holds', rows: HOLDS },
  { name: 'Channels', table: 'ledger.channels', rows: CHANNELS },
  { name: 'Channels closed', table: 'ledger.channels', rows: CLOSED },
  { name: 'Withdrawals', table: 'ledger.withdrawals', rows: WITHDRAWALS },
  { name: 'Deposits', table: 'ledger.deposits', rows: DEPOSITS },
  { name: 'Transfers', table: 'ledger.transfers', rows: TRANSFERS },
  { name: 'Limits of days', table: 'ledger.withdrawal_days', rows: DAYS },
];

/**
 * Of some postings those that may explain why a ledger account does not hold what the journal says: both of their
 * sides are off, or one of them; those come later.
 */
export async function imbalanced(
  { sql }: Audit,
  rows: readonly JournalRow[],
): Promise<JournalRow[]> {
  const off = await sql.unsafe<{ kind: number; no: bigint }[]>(`
    with booked as (select kind, no, sum(units) as units from (${ENTRIES}) e group by kind, no),
    held as (
      select 1 as kind, account_no as no, sum(units) as units from ledger.balances group by 2
      union all select 2, channel_no, case state when 3 then 0 else deposit_units - cumulative_units end
        from ledger.channels
      union all select 3, hold_no, units from ledger.holds
      union all select 4, withdrawal_no, case when state in (7, 8, 9) then 0 else amount_units end
        from ledger.withdrawals
      union all select kind, no, case kind when 6 then -units else units end
        from ledger.system_balances
    )
    select coalesce(b.kind, h.kind)::int as kind, coalesce(b.no, h.no) as no
    from booked b full join held h on h.kind = b.kind and h.no = b.no
    where coalesce(b.units, 0) <> coalesce(h.units, 0) limit 10000`);
  const keys = new Set(off.map(({ kind, no }) => `${kind}:${no}`));
  const offSides = (row: JournalRow) =>
    Number(keys.has(`${row.debitKind}:${row.debitNo}`)) +
    Number(keys.has(`${row.creditKind}:${row.creditNo}`));
  const suspects = rows.filter((row) => offSides(row) > 0);
  return suspects.toSorted((a, b) => offSides(b) - offSides(a));
}

export const TABLE_CHECKS: readonly Check[] = COMPARISONS.map(comparing);
