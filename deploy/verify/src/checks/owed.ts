import type { Address, Units } from '#libs/domain';
import { type Audit, rowsOf } from '../audit.js';
import { ACCOUNT, CHANNEL } from '../leaves.js';
import type { EpochRow } from './epoch-row.js';

/** What the ledger owed at an epoch's moment, by the key of its leaf. */
export type Owed = {
  readonly key: string;
  readonly units: Units;
  /** Of a channel: between whom, and what was booked by then. */
  readonly payer?: Address;
  readonly payee?: Address;
  readonly booked?: Units;
};

/** What the journal says was owed at an epoch's moment, for leaves of one kind, by rising keys. */
export function owedAt(audit: Audit, epoch: EpochRow, kind: number): AsyncGenerator<Owed> {
  if (kind === ACCOUNT) return rowsOf<Owed>(audit, accountsAt(audit, epoch));
  if (kind === CHANNEL) return rowsOf<Owed>(audit, channelsAt(audit, epoch));
  return rowsOf<Owed>(audit, linesAt(audit, epoch));
}

function accountsAt(audit: Audit, epoch: EpochRow) {
  return audit.sql<Owed[]>`${entriesAt(audit, epoch)}
    select a.address as key, sum(o.units)::bigint as units from (
      select no as account_no, units from entries where kind = 1
      union all select h.account_no, e.units from entries e
        join ledger.holds h on e.kind = 3 and h.hold_no = e.no
      union all select w.account_no, e.units from entries e
        join ledger.withdrawals w on e.kind = 4 and w.withdrawal_no = e.no
        where not exists (select from settlement.epoch_payouts p
          where p.epoch_no = ${epoch.epochNo} and p.withdrawal_id = w.withdrawal_id)
    ) o join ledger.accounts a on a.account_no = o.account_no
    group by a.address having sum(o.units) <> 0 order by a.address collate "C"`;
}

function channelsAt(audit: Audit, epoch: EpochRow) {
  return audit.sql<Owed[]>`${entriesAt(audit, epoch)}
    select encode(c.channel_id, 'hex') as key, o.units, payer.address as payer,
      payee.address as payee, c.deposit_units - o.units as booked
    from (
      select no, sum(units)::bigint as units from entries where kind = 2
      group by no having sum(units) <> 0
    ) o
    join ledger.channels c on c.channel_no = o.no
    left join ledger.accounts payer on payer.account_no = c.payer_no
    left join ledger.accounts payee on payee.account_no = c.payee_no
    order by c.channel_id`;
}

function linesAt({ sql }: Audit, { epochNo }: EpochRow) {
  return sql<Owed[]>`
    select encode(b.chain_batch_id, 'hex') || lpad(to_hex(l.line), 8, '0') as key, l.units,
      l.destination as payee
    from settlement.epoch_payouts p
    join settlement.batch_payouts l on l.batch_no = p.batch_no and l.line = p.line
    join settlement.batches b on b.batch_no = p.batch_no
    where p.epoch_no = ${epochNo} and p.in_tree order by 1`;
}

function entriesAt(audit: Audit, epoch: EpochRow) {
  return audit.sql`
    with at as materialized (${journalAt(audit, epoch)}), entries as (
      select credit_kind as kind, credit_no as no, units from at
      union all select debit_kind, debit_no, -units from at)`;
}

// The journal as far as it went at the moment of an epoch.
function journalAt({ sql }: Audit, { flushNos, operations }: EpochRow) {
  const int8s = (values: readonly bigint[]) => sql.array([...values], 1016);
  return sql`
    select j.* from ledger.journal j
    left join ledger.flushes f on f.part = j.part and f.at_ms = j.at_ms
      and f.first_offset = j.entry_no and f.flush_no > 0
    where j.part >= 0 and coalesce(f.flush_no, 0) <= (${int8s(flushNos)}::bigint[])[j.part + 2]
    union all
    select j.* from ledger.journal j join (
      select unnest(operations) as no from ledger.flushes
      where part = -1 and flush_no <= (${int8s(flushNos)}::bigint[])[1]
      union select unnest(${int8s(operations)}::bigint[])
    ) o on o.no = j.entry_no
    where j.part = -1`;
}
