import { createHash } from 'node:crypto';
import { type ChainTransaction, readBatchPaid, readPayoutFailed } from '#libs/tron';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { batchOnChain, transactionIn } from '../vault.js';
import { attempts } from './attempts.js';
import type { BatchRow } from './batch-row.js';

const SOLIDIFIED = 5;
const FAILED = 6;
const TRC20 = 1;

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

/** Batches pay whom the ledger says, what was planned, and what the chain shows. */
async function batches(audit: Audit): Promise<void> {
  for await (const batch of rowsOf<BatchRow>(audit, batchesOf(audit))) {
    planned(audit, batch);
    seals(batch);
    await attempts(audit, batch);
    if (batch.state === SOLIDIFIED) await paid(audit, batch);
    if (batch.state === FAILED && batch.chainBatchId !== null) {
      const block = await batchOnChain(audit, batch.chainBatchId);
      agree(rowOf(batch), 'block in which the vault executed it', 0n, block);
    }
  }
  await noOthers(audit);
}

function rowOf({ batchNo }: BatchRow) {
  return { table: 'settlement.batches', key: `batch ${batchNo}` };
}

function planned({ place }: Audit, batch: BatchRow): void {
  const row = rowOf(batch);
  let total = 0n;
  for (const [at, line] of batch.lines.entries()) {
    const key = `batch ${batch.batchNo}, line ${line.line}`;
    const ofLine = { table: 'settlement.batch_payouts', key };
    agree(ofLine, 'line', at, line.line);
    const told = `${batch.asset} ${line.destination} ${line.units}`;
    agree(
      ofLine,
      'asset, payee and units of the withdrawal in the ledger',
      line.asked ?? told,
      told,
    );
    agree(ofLine, 'asset, payee and units in the queue', line.queued, told);
    total += BigInt(line.units);
  }
  const id = batch.asset === TRC20 ? batchIdOf(place, batch) : null;
  agree(row, 'id on chain, by its lines,', id, batch.chainBatchId);
  agree(row, 'payouts', batch.lines.length, batch.payouts);
  agree(row, 'total units', total, batch.totalUnits);
}

/** The id under which the vault executes a batch, by what it pays (docs/settlement.md). */
function batchIdOf({ chainId, vault }: Audit['place'], batch: BatchRow): Buffer {
  const lines = batch.lines.map(({ withdrawalId, destination, units }) =>
    sha256(
      Buffer.concat([Buffer.from(withdrawalId, 'hex'), Buffer.from(`${destination} ${units}`)]),
    ),
  );
  const head = sha256(`swarmledger batch ${chainId} ${vault} ${batch.batchNo}`);
  return sha256(Buffer.concat([head, ...lines]));
}

function seals(batch: BatchRow): void {
  const row = rowOf(batch);
  const hex = (bytes: Buffer | null) => bytes?.toString('hex');
  const sealOf = (...columns: readonly unknown[]) =>
    sha256(columns.map((column) => textOf(column)).join('|'));
  const lines = batch.lines.flatMap((line) => [
    line.line,
    line.withdrawalId,
    line.destination,
    line.units,
  ]);
  const { batchNo, asset, payouts, totalUnits, plannedAtMs, needsApproval } = batch;
  const id = hex(batch.chainBatchId);
  const plan = [batchNo, asset, id, payouts, totalUnits, plannedAtMs, needsApproval, ...lines];
  // Batches from before there were seals have none.
  if (batch.sealed !== null) agree(row, 'seal of what was planned', batch.sealed, sealOf(...plan));
  if (batch.endSealed === null) return;
  const { state, failure, approved, decidedBy, decidedAtMs, decisionNote } = batch;
  const end = [batch.attempts, hex(batch.txid), batch.energyUsed, batch.feeSun, failure];
  const decision = [batch.solidifiedAtMs, approved, decidedBy, decidedAtMs, decisionNote];
  agree(row, 'seal of its end', batch.endSealed, sealOf(batchNo, state, ...end, ...decision));
}

// As Postgres writes them.
function textOf(column: unknown): string {
  if (column === null || column === undefined) return '';
  if (typeof column === 'boolean') return column ? 't' : 'f';
  return String(column);
}

async function paid(audit: Audit, batch: BatchRow): Promise<void> {
  const row = rowOf(batch);
  const { chainBatchId, txid } = batch;
  if (chainBatchId !== null) {
    const block = await batchOnChain(audit, chainBatchId);
    agree({ ...row, table: 'settlement.vault_payments' }, 'block', block, batch.paidInBlock);
  }
  const block = chainBatchId === null ? batch.ownBlock : batch.paidInBlock;
  const transaction = block === null ? undefined : await transactionIn(audit, block, txid);
  if (transaction === undefined)
    differ(row, `transaction ${txid?.toString('hex')} on chain`, 'none');
  agree(row, 'energy', transaction.energyUsed, batch.energyUsed);
  agree(row, 'fee in sun', transaction.feeSun, batch.feeSun);
  if (chainBatchId === null) return paidTrc10(audit, batch, transaction);
  // Any contract may log what looks like a payment; only the vault's own logs count.
  const logs = transaction.logs.filter(({ contract }) => contract === audit.place.vault);
  const executed = logs.map(readBatchPaid).includes(chainBatchId.toString('hex'));
  agree(row, 'executed by its transaction', executed, true);
  const failed = logs
    .map(readPayoutFailed)
    .filter((each) => each?.chainBatchId === chainBatchId.toString('hex'))
    .map((each) => each?.line);
  const ofLines = { table: 'settlement.failed_lines', key: row.key };
  agree(ofLines, 'lines', failed.join(', '), batch.failedLines.join(', '));
}

function paidTrc10({ place }: Audit, batch: BatchRow, { trc10 }: ChainTransaction): void {
  const row = rowOf(batch);
  const [line] = batch.lines;
  agree(row, 'token', place.trc10Id, trc10?.tokenId);
  agree(row, 'payee', line?.destination, trc10?.to);
  agree(row, 'base units', line?.units, trc10?.amountBaseUnits);
}

/** Vault and hot wallet have paid nothing that is not on record. */
async function noOthers({ sql }: Audit): Promise<void> {
  const [other] = await sql<{ id: Buffer }[]>`
    select v.chain_batch_id as id from settlement.vault_payments v
    where not exists (select from settlement.batches b where b.chain_batch_id = v.chain_batch_id)
    limit 1`;
  if (other !== undefined) {
    const row = { table: 'settlement.vault_payments', key: other.id.toString('hex') };
    differ(row, 'a batch of this id', 'none');
  }
  const [payment] = await sql<{ txid: Buffer }[]>`
    select txid from settlement.own_transactions where unexplained limit 1`;
  if (payment === undefined) return;
  const row = { table: 'settlement.own_transactions', key: payment.txid.toString('hex') };
  differ(row, 'an attempt with this payment', 'none');
}

function batchesOf({ sql }: Audit) {
  return sql<BatchRow[]>`
    select b.batch_no as "batchNo", b.asset::int, b.state::int, b.chain_batch_id as "chainBatchId",
      b.payouts, b.total_units as "totalUnits", b.attempts, b.txid, b.energy_used as "energyUsed",
      b.fee_sun as "feeSun", b.failure, b.planned_at_ms as "plannedAtMs",
      b.solidified_at_ms as "solidifiedAtMs", b.needs_approval as "needsApproval", b.approved,
      b.decided_by as "decidedBy", b.decided_at_ms as "decidedAtMs",
      b.decision_note as "decisionNote",
      (select hash from settlement.batch_seals s where s.batch_no = b.batch_no and not ended) as sealed,
      (select hash from settlement.batch_seals s where s.batch_no = b.batch_no and ended) as "endSealed",
      v.block_number as "paidInBlock", o.block_number as "ownBlock",
      array(select line from settlement.failed_lines f where f.chain_batch_id = b.chain_batch_id
        order by line) as "failedLines",
      coalesce((
        select jsonb_agg(jsonb_build_object('line', l.line, 'destination', l.destination,
          'withdrawalId', encode(l.withdrawal_id, 'hex'), 'units', l.units::text,
          'queued', concat_ws(' ', p.asset, p.destination, p.units),
          'asked', concat_ws(' ', w.asset, w.destination, w.amount_units - w.fee_units)
        ) order by l.line)
        from settlement.batch_payouts l
        left join settlement.payouts p on p.withdrawal_id = l.withdrawal_id
        left join ledger.withdrawals w on w.withdrawal_id = l.withdrawal_id
        where l.batch_no = b.batch_no), '[]') as lines
    from settlement.batches b
    left join settlement.vault_payments v on v.chain_batch_id = b.chain_batch_id
    left join settlement.own_transactions o on o.txid = b.txid
    order by b.batch_no`;
}

/** Payouts stand where their batches do. */
async function payouts(audit: Audit): Promise<void> {
  const [first] = await audit.sql<{ id: Buffer; expected: string; found: string }[]>`
    select p.withdrawal_id as id,
      case when p.state in (3, 4) and b.state = 5 then 'paid' when p.state in (3, 4) then 'batched'
        else 'outside batches' end
        || case when p.state = 4 and w.state <> 7 and p.report_state = p.reported_state
          then ', told' else '' end as expected,
      case when p.state = 4 then 'paid' when p.state = 3 then 'batched' else 'outside batches' end
        as found
    from settlement.payouts p left join settlement.batches b on b.batch_no = p.batch_no
    left join ledger.withdrawals w on w.withdrawal_id = p.withdrawal_id
    where (p.state = 4) <> (coalesce(b.state, 0) = 5)
      or (p.state in (3, 4)) <> (p.batch_no is not null)
      or (p.state in (3, 4) and not exists (select from settlement.batch_payouts l
        where l.batch_no = p.batch_no and l.withdrawal_id = p.withdrawal_id))
      or (w.withdrawal_id is null)
      or (p.account <> (select address from ledger.accounts a where a.account_no = w.account_no))
      or (p.state = 4 and p.reported_state = 7 and w.state <> 7)
    limit 1`;
  if (first === undefined) return;
  const row = { table: 'settlement.payouts', key: `withdrawal ${first.id.toString('hex')}` };
  differ(row, `${first.expected}, as batch and ledger say`, first.found);
}

/** What waits is what was asked for; what was paid was paid once, by one batch, and not given back as well. */
async function paidOnce(audit: Audit): Promise<void> {
  const [first] = await audit.sql<{ id: Buffer; expected: string; found: string }[]>`
    with paying as (
      select l.withdrawal_id, count(*) as times
      from settlement.batch_payouts l join settlement.batches b on b.batch_no = l.batch_no
      where b.state = ${SOLIDIFIED} and not exists (select from settlement.failed_lines f
        where f.chain_batch_id = b.chain_batch_id and f.line = l.line)
      group by l.withdrawal_id
    ), compared as (
      select w.withdrawal_id as id,
        concat_ws(' ', w.asset, w.destination, w.amount_units - w.fee_units, 'paid',
          case when w.state = 7 or (w.state < 7 and p.state = 4) then 1 else 0 end, 'times') as expected,
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

/** Deposits that settlement has booked are those of the ledger. */
async function deposits(audit: Audit): Promise<void> {
  const [first] = await audit.sql<{ txid: Buffer; index: number; seen: string; booked: string }[]>`
    select coalesce(s.txid, d.txid) as txid, coalesce(s.index, d.index) as index,
      coalesce(concat_ws(' ', s.asset, s.units, s.block_number), 'none') as seen,
      coalesce(concat_ws(' ', d.asset, d.units, d.block_number), 'none') as booked
    from ledger.deposits d
    full join (select * from settlement.deposits where booked_at_ms is not null and state in (2, 3)) s
      on s.txid = d.txid and s.index = d.index
    where (s.asset, s.units, s.block_number) is distinct from (d.asset, d.units, d.block_number)
      and not exists (select from settlement.deposits o where d.txid is not null and s.txid is null
        and o.txid = d.txid and o.index = d.index and o.state in (1, 7, 8))
    limit 1`;
  if (first === undefined) return;
  const key = `transaction ${first.txid.toString('hex')}, index ${first.index}`;
  const row = { table: 'settlement.deposits', key };
  differ(row, `asset, units and block ${first.booked}, as in the ledger`, first.seen);
}

export const BATCH_CHECKS: readonly Check[] = [
  { name: 'Batches', run: batches },
  { name: 'Payouts', run: payouts },
  { name: 'Paid once', run: paidOnce },
  { name: 'Deposits on record', run: deposits },
];
