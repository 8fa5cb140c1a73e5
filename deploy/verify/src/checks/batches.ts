import { createHash } from 'node:crypto';
import {
  type ChainTransaction,
  readBatchPaid,
  readClaimsCommitted,
  readPayoutFailed,
} from '#libs/tron';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { batchOnChain, transactionIn } from '../vault.js';
import { attempts } from './attempts.js';
import type { BatchRow } from './batch-row.js';
import { comparing } from './comparison.js';
import { type OwnRow, ownAgrees, ownColumns } from './own.js';

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
  const claims = (text: string) => (batch.toClaim ? [text] : []);
  const head = [batchNo, asset, id, payouts, totalUnits, plannedAtMs, needsApproval];
  const plan = [...head, ...lines, ...claims('to claim')];
  // Batches from before there were seals have none.
  if (batch.sealed !== null) agree(row, 'seal of what was planned', batch.sealed, sealOf(...plan));
  const decision = [batch.approved, batch.decidedBy, batch.decidedAtMs, batch.decisionNote];
  if (batch.decisionSealed !== null) {
    agree(row, 'seal of its decision', batch.decisionSealed, sealOf(batchNo, ...decision));
  }
  if (batch.endSealed === null) return;
  const { state, failure } = batch;
  const end = [batch.attempts, hex(batch.txid), batch.energyUsed, batch.feeSun, failure];
  const until = claims(`claimable until ${textOf(batch.claimableUntilS)}`);
  const ending = [batchNo, state, ...end, batch.solidifiedAtMs, ...decision, ...until];
  agree(row, 'seal of its end', batch.endSealed, sealOf(...ending));
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
    // What is claimed was never sent.
    const noted = batch.toClaim ? 0n : batch.paidInBlock;
    agree({ ...row, table: 'settlement.vault_payments' }, 'block', block, noted);
  }
  const block = chainBatchId === null ? batch.ownBlock : batch.paidInBlock;
  const transaction = block === null ? undefined : await transactionIn(audit, block, txid);
  if (chainBatchId !== null) {
    agree({ ...row, table: 'settlement.vault_payments' }, 'transaction', txid, batch.paidBy);
  }
  if (transaction === undefined)
    differ(row, `transaction ${txid?.toString('hex')} on chain`, 'none');
  const [own] = await audit.sql<OwnRow[]>`
    select ${ownColumns(audit.sql)} from settlement.own_transactions o where o.txid = ${txid}`;
  if (own === undefined) differ(row, 'its transaction among those of the hot wallet', 'none');
  agree(
    { table: 'settlement.own_transactions', key: own.txid.toString('hex') },
    'block',
    block,
    own.blockNumber,
  );
  ownAgrees(own, transaction);
  agree(row, 'energy', transaction.energyUsed, batch.energyUsed);
  agree(row, 'fee in sun', transaction.feeSun, batch.feeSun);
  if (chainBatchId === null) return paidTrc10(audit, batch, transaction);
  // Any contract may log what looks like a payment; only the vault's own logs count.
  const logs = transaction.logs.filter(({ contract }) => contract === audit.place.vault);
  const read = batch.toClaim ? readClaimsCommitted : readBatchPaid;
  const executed = logs.map(read).includes(chainBatchId.toString('hex'));
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

/** The vault has paid nothing that is not on record. */
async function noOthers({ sql }: Audit): Promise<void> {
  const [other] = await sql<{ id: Buffer }[]>`
    select v.chain_batch_id as id from settlement.vault_payments v
    where not exists (select from settlement.batches b where b.chain_batch_id = v.chain_batch_id)
    limit 1`;
  if (other === undefined) return;
  const row = { table: 'settlement.vault_payments', key: other.id.toString('hex') };
  differ(row, 'a batch of this id', 'none');
}

function batchesOf({ sql }: Audit) {
  return sql<BatchRow[]>`
    select b.batch_no as "batchNo", b.asset::int, b.state::int, b.chain_batch_id as "chainBatchId",
      b.payouts, b.total_units as "totalUnits", b.attempts, b.txid, b.energy_used as "energyUsed",
      b.fee_sun as "feeSun", b.failure, b.planned_at_ms as "plannedAtMs",
      b.solidified_at_ms as "solidifiedAtMs", b.needs_approval as "needsApproval", b.approved,
      b.decided_by as "decidedBy", b.decided_at_ms as "decidedAtMs",
      b.decision_note as "decisionNote",
      (select hash from settlement.batch_seals s where s.batch_no = b.batch_no
        and not ended and not decided) as sealed,
      (select hash from settlement.batch_seals s where s.batch_no = b.batch_no and decided)
        as "decisionSealed",
      (select hash from settlement.batch_seals s where s.batch_no = b.batch_no and ended) as "endSealed",
      b.to_claim as "toClaim", b.claimable_until_s as "claimableUntilS",
      v.block_number as "paidInBlock", v.txid as "paidBy", o.block_number as "ownBlock",
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

/** Every batch has its seals. Those planned before there were seals (migration 0014) have none: the oldest seal of a plan
 * tells where they begin. Decisions of all times have theirs. */
const SEALS = `
  with sealed as (
    select batch_no, bool_or(not ended and not decided) as planned, bool_or(decided) as decided,
      bool_or(ended) as ended
    from settlement.batch_seals group by batch_no
  ), oldest as (
    select min(batch_no) as no from settlement.batch_seals where not ended and not decided
  )
  select format('batch %s', batch_no) as key,
    jsonb_build_object('batch', true, 'seal of its decision', b.approved is not null,
      'seal of its plan', true, 'seal of its end', b.state in (5, 6)) as expected,
    jsonb_build_object('batch', b.state is not null,
      'seal of its decision', coalesce(s.decided, false),
      'seal of its plan', older or coalesce(s.planned, false),
      'seal of its end', case when older then b.state in (5, 6) else coalesce(s.ended, false) end)
      as found
  from settlement.batches b full join sealed s using (batch_no)
  cross join oldest cross join lateral (select coalesce(batch_no < oldest.no, true) as older) o`;

export const BATCH_CHECKS: readonly Check[] = [
  comparing({ name: 'Seals of batches', table: 'settlement.batch_seals', rows: SEALS }),
  { name: 'Batches', run: batches },
];
