import { baseUnits, equalBytes } from '#libs/domain';
import { type ChainCall, payBatchData } from '#libs/tron';
import type { Audit } from '../audit.js';
import { agree } from '../difference.js';
import type { BatchRow } from './batch-row.js';
import { commitData } from './claim-sets.js';
import { countsAgree, isOurs, type SignedRow, signedColumns } from './signed.js';

/** What was signed for a batch is its own payouts, by the hot wallet, and one attempt at most has paid. */
export async function attempts(audit: Audit, batch: BatchRow): Promise<void> {
  const { sql } = audit;
  const rows = await sql<SignedRow[]>`
    select ${signedColumns(sql)} from settlement.attempts
    where batch_no = ${batch.batchNo} order by attempt`;
  const ofBatch = { table: 'settlement.batches', key: `batch ${batch.batchNo}` };
  agree(ofBatch, 'attempts', rows.length, batch.attempts);
  const does = {
    what: 'the payouts of the batch',
    test: (call: ChainCall) => pays(audit, batch, call),
  };
  for (const [at, row] of rows.entries()) {
    const key = `batch ${batch.batchNo}, attempt ${row.attempt}`;
    const ofAttempt = { table: 'settlement.attempts', key };
    agree(ofAttempt, 'attempt', at + 1, row.attempt);
    await isOurs(audit, ofAttempt, row, does);
  }
  countsAgree(ofBatch, batch, rows);
}

function pays({ place }: Audit, batch: BatchRow, call: ChainCall): boolean {
  const { chainBatchId, lines } = batch;
  const isVault = call.kind === 'trigger' && call.contract === place.vault;
  if (batch.toClaim) return isVault && equalBytes(call.data, commitData(batch));
  if (chainBatchId === null) {
    const [line] = lines;
    if (call.kind !== 'trc10' || line === undefined) return false;
    const units = baseUnits('TRC10_BTTOLD', BigInt(line.units));
    const same = call.tokenId === place.trc10Id && call.to === line.destination;
    return same && call.amountBaseUnits === units;
  }
  const payouts = lines.map(({ destination, units }) => ({
    to: destination,
    amountBaseUnits: baseUnits('TRC20_BTT', BigInt(units)),
  }));
  return isVault && equalBytes(call.data, payBatchData(chainBatchId, payouts));
}
