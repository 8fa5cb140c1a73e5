import type { Audit, Check } from '../audit.js';
import { differ } from '../difference.js';
import { comparing } from './comparison.js';

/** Payouts stand where their batches do, and the ledger was told what became of them: of what is not paid, the last try. */
const PAYOUTS = `
  select format('withdrawal %s', encode(p.withdrawal_id, 'hex')) as key,
    jsonb_build_object(
      'withdrawal', true, 'account', a.address, 'asked at', w.requested_at_ms,
      'to claim', w.to_claim, 'batch to claim', b.to_claim,
      'state', case when p.state in (3, 4, 8) and b.state = 5
          then case when b.to_claim and c.txid is null then 'claimable' else 'paid' end
        when p.state in (3, 4, 8) and b.state < 5 then 'batched' else 'outside batches' end,
      'is a line of its batch', p.state in (3, 4, 8),
      'transaction', case when p.state in (4, 8) then encode(coalesce(c.txid, b.txid), 'hex')
        else coalesce((
          select encode(a.txid, 'hex') from settlement.batch_payouts t
          join settlement.attempts a on a.batch_no = t.batch_no
          where t.withdrawal_id = p.withdrawal_id
          order by a.batch_no desc, a.attempt desc limit 1), '') end,
      'end that is told', case when w.state in (7, 8) then w.state else p.report_state end,
      'states that are told before', case when w.state in (7, 8) and p.reported_state = 10 then 10
        else least(p.reported_state, w.state) end
    ) as expected,
    jsonb_build_object(
      'withdrawal', w.withdrawal_id is not null, 'account', p.account, 'asked at', p.requested_at_ms,
      'to claim', p.to_claim,
      'batch to claim', case when b.batch_no is not null then p.to_claim end,
      'state', case p.state when 4 then 'paid' when 3 then 'batched' when 8 then 'claimable'
        else 'outside batches' end,
      'is a line of its batch', l.withdrawal_id is not null,
      'transaction', p.report_txid, 'end that is told', p.report_state,
      'states that are told before', p.reported_state
    ) as found
  from settlement.payouts p
  left join settlement.batches b on b.batch_no = p.batch_no
  left join settlement.batch_payouts l
    on l.batch_no = p.batch_no and l.withdrawal_id = p.withdrawal_id
  left join settlement.claimed_lines c
    on b.to_claim and c.chain_batch_id = b.chain_batch_id and c.line = l.line and c.booked
  left join ledger.withdrawals w on w.withdrawal_id = p.withdrawal_id
  left join ledger.accounts a on a.account_no = w.account_no`;

/** The ledger names the transaction that has paid. */
const TOLD = `
  select format('withdrawal %s', w.withdrawal_no) as key,
    jsonb_build_object('transaction', p.report_txid) as expected,
    jsonb_build_object('transaction', w.txid) as found
  from ledger.withdrawals w join settlement.payouts p on p.withdrawal_id = w.withdrawal_id
  where w.state = 7`;

/** What waits is what was asked for; what was paid was paid once, by one batch, and not given back as well. */
async function paidOnce(audit: Audit): Promise<void> {
  const [first] = await audit.sql<{ id: Buffer; expected: string; found: string }[]>`
    with paying as (
      select l.withdrawal_id, count(*) as times
      from settlement.batch_payouts l join settlement.batches b on b.batch_no = l.batch_no
      where b.state = 5 and not exists (select from settlement.failed_lines f
        where f.chain_batch_id = b.chain_batch_id and f.line = l.line)
        and (not b.to_claim or exists (select from settlement.claimed_lines c
          where c.chain_batch_id = b.chain_batch_id and c.line = l.line and c.booked))
      group by l.withdrawal_id
    ), compared as (
      select w.withdrawal_id as id,
        concat_ws(' ', w.asset, w.destination, w.amount_units - w.fee_units, 'paid',
          case when w.state = 7 or (w.state not in (8, 9) and p.state = 4) then 1 else 0 end, 'times') as expected,
        concat_ws(' ', coalesce(p.asset, w.asset), coalesce(p.destination, w.destination),
          coalesce(p.units, w.amount_units - w.fee_units), 'paid', coalesce(y.times, 0), 'times') as found
      from ledger.withdrawals w
      left join settlement.payouts p on p.withdrawal_id = w.withdrawal_id
      left join paying y on y.withdrawal_id = w.withdrawal_id
    )
    select id, expected, found from compared where expected <> found order by id limit 1`;
  if (first === undefined) return;
  const row = { table: 'settlement.payouts', key: `withdrawal ${first.id.toString('hex')}` };
  differ(row, first.expected, first.found);
}

/** The vault has paid what was to be paid, and reserved what was to be claimed. */
const WAYS = `
  select format('batch %s', b.batch_no) as key, jsonb_build_object('to claim', b.to_claim) as expected,
    jsonb_build_object('to claim', v.to_claim) as found
  from settlement.vault_payments v join settlement.batches b on b.chain_batch_id = v.chain_batch_id`;

/** What settlement counts by state is what is there. */
const COUNTS = `
  with counted as (
    select 'deposits' as source, state, count(*) as rows, 0::numeric as payouts, 0::numeric as energy,
      0::numeric as fee from settlement.deposits group by state
    union all select 'payouts', state, count(*), 0, 0, 0 from settlement.payouts group by state
    union all select 'batches', state, count(*), sum(payouts), sum(energy_used), sum(fee_sun)
      from settlement.batches group by state
  )
  select format('%s, state %s', coalesce(s.source, c.source), coalesce(s.state, c.state)) as key,
    jsonb_build_object('rows', coalesce(c.rows, 0), 'payouts', coalesce(c.payouts, 0),
      'energy', coalesce(c.energy, 0), 'fee', coalesce(c.fee, 0)) as expected,
    jsonb_build_object('rows', coalesce(s.rows, 0), 'payouts', coalesce(s.payouts, 0),
      'energy', coalesce(s.energy_used, 0), 'fee', coalesce(s.fee_sun, 0)) as found
  from settlement.state_counts s full join counted c on c.source = s.source and c.state = s.state`;

export const QUEUE_CHECKS: readonly Check[] = [
  comparing({ name: 'Payouts', table: 'settlement.payouts', rows: PAYOUTS }),
  { name: 'Paid once', run: paidOnce },
  comparing({ name: 'Transactions told', table: 'ledger.withdrawals', rows: TOLD }),
  comparing({ name: 'Ways of the vault', table: 'settlement.vault_payments', rows: WAYS }),
  comparing({ name: 'Counts', table: 'settlement.state_counts', rows: COUNTS }),
];
