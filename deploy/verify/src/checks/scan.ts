import { SUPPLY_UNITS } from '#libs/domain';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { blockOf, transactionIn } from '../vault.js';
import { comparing } from './comparison.js';
import { type OwnRow, ownAgrees, ownColumns } from './own.js';

/** Deposits that settlement has booked are those of the ledger, credited to whom it has named. */
const DEPOSITS = `
  with seen as (
    select s.*, s.state in (2, 3) and s.booked_at_ms is not null as booked from settlement.deposits s
  )
  select format('transaction %s, index %s', encode(coalesce(s.txid, d.txid), 'hex'),
      coalesce(s.index, d.index)) as key,
    jsonb_build_object('asset', d.asset, 'units', d.units, 'block', d.block_number,
      'account', case when s.state = 2 then a.address end, 'in suspense', d.account_no is null,
      'was in suspense', d.account_no is null or d.resolved_at_ms is not null) as expected,
    jsonb_build_object('asset', s.asset, 'units', s.units, 'block', s.block_number,
      'account', case when s.state = 2 then coalesce(s.account, s.sender) end,
      'in suspense', s.state = 3, 'was in suspense', s.suspense) as found
  from ledger.deposits d
  full join seen s on s.txid = d.txid and s.index = d.index
  left join ledger.accounts a on a.account_no = d.account_no
  where s.booked or (d.txid is not null and coalesce(s.state, 0) not in (1, 7, 8))`;

/** Units are what the tokens are worth; more than the whole supply cannot be right and counts as nothing. */
const WORTH = `
  select format('transaction %s, index %s', encode(txid, 'hex'), index) as key,
    jsonb_build_object('units', case when worth > ${SUPPLY_UNITS} then 0 else worth end) as expected,
    jsonb_build_object('units', units::numeric) as found
  from settlement.deposits,
    lateral (select trunc(base_units / case asset when 1 then 1e15 else 1 end) as worth) of_base`;

/** What operators have decided is what was done. */
const RESOLUTIONS = `
  select format('resolution %s', encode(r.resolution_id, 'hex')) as key,
    jsonb_build_object('deposit', true, 'outcome', case when s.state = 8 then 'dismissed'
      else coalesce(s.account, s.sender) end) as expected,
    jsonb_build_object('deposit', s.txid is not null, 'outcome', coalesce(r.account, 'dismissed'))
      as found
  from settlement.resolutions r
  left join settlement.deposits s on s.txid = r.txid and s.index = r.index
  where r.decided_at_ms = (select max(decided_at_ms) from settlement.resolutions o
    where o.txid = r.txid and o.index = r.index)`;

/** The chain was read as far as is noted: what lies before is never looked at again. */
async function cursor(audit: Audit): Promise<void> {
  const { sql, count } = audit;
  const [read] = await sql<{ next: bigint; id: string; atMs: bigint }[]>`
    select next_block as next, last_block_id as id, last_timestamp_ms as "atMs"
    from settlement.cursor`;
  if (read === undefined || read.id === '') return;
  count(1);
  const row = { table: 'settlement.cursor', key: `block ${read.next - 1n}` };
  const block = await blockOf(audit, read.next - 1n);
  if (block === undefined) differ(row, 'a solidified block', 'none of this number');
  agree(row, 'block id', block.id, read.id);
  agree(row, 'time', block.timestampMs, read.atMs);
}

/** Transactions of the hot wallet are on the chain as noted; those that have paid are looked at with their batches. */
async function own(audit: Audit): Promise<void> {
  const { sql } = audit;
  const rows = sql<OwnRow[]>`
    select ${ownColumns(sql)} from settlement.own_transactions o
    where not exists (select from settlement.batches b where b.txid = o.txid and b.state = 5)
      and not exists (select from settlement.epochs e where e.txid = o.txid and e.state = 5)
    order by o.block_number, o.txid`;
  for await (const row of rowsOf<OwnRow>(audit, rows)) {
    ownAgrees(row, await transactionIn(audit, row.blockNumber, row.txid));
  }
}

export const SCAN_CHECKS: readonly Check[] = [
  { name: 'Chain read so far', run: cursor },
  { name: 'Other transactions of the hot wallet', run: own },
  comparing({ name: 'Worth of deposits', table: 'settlement.deposits', rows: WORTH }),
  comparing({ name: 'Deposits on record', table: 'settlement.deposits', rows: DEPOSITS }),
  comparing({
    name: 'Decisions about deposits',
    table: 'settlement.resolutions',
    rows: RESOLUTIONS,
  }),
];
