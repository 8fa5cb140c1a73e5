import { createHash } from 'node:crypto';
import { baseUnits } from '#libs/domain';
import { isSignedBy, payBatchData, signedTransactionHex } from '#libs/tron';
import type { Audit } from '../audit.js';
import { agree, differ } from '../difference.js';
import { hotWalletOf } from '../vault.js';
import type { BatchRow } from './batch-row.js';

type AttemptRow = {
  readonly attempt: number;
  readonly txid: Buffer;
  readonly raw: Buffer;
  readonly signed: Buffer;
  readonly outcome: number;
};

const SOLIDIFIED = 5;
const PAID = 1;
const OPEN = 0;
const SIGNATURE_BYTES = 65;

/** What was signed for a batch is its own payouts, by the hot wallet, and one attempt at most has paid. */
export async function attempts(audit: Audit, batch: BatchRow): Promise<void> {
  const rows = await audit.sql<AttemptRow[]>`
    select attempt, txid, raw, signed, outcome::int from settlement.attempts
    where batch_no = ${batch.batchNo} order by attempt`;
  const ofBatch = { table: 'settlement.batches', key: `batch ${batch.batchNo}` };
  agree(ofBatch, 'attempts', rows.length, batch.attempts);
  const hotWallet = rows.length === 0 ? '' : await hotWalletOf(audit);
  for (const [at, row] of rows.entries()) {
    const key = `batch ${batch.batchNo}, attempt ${row.attempt}`;
    const ofAttempt = { table: 'settlement.attempts', key };
    agree(ofAttempt, 'attempt', at + 1, row.attempt);
    const { raw, signed } = row;
    agree(ofAttempt, 'transaction id', createHash('sha256').update(raw).digest(), row.txid);
    const signature = signed.subarray(-SIGNATURE_BYTES);
    agree(ofAttempt, 'signed', signedTransactionHex(raw, signature), signed);
    if (!isSignedBy(hotWallet, raw, signature))
      differ(ofAttempt, `signed by ${hotWallet}`, 'another');
    if (!pays(batch, raw)) differ(ofAttempt, 'the payouts of the batch', 'others');
  }
  const paid = rows.filter(({ outcome }) => outcome === PAID);
  const open = rows.filter(({ outcome }) => outcome === OPEN);
  agree(ofBatch, 'attempts that have paid', batch.state === SOLIDIFIED ? 1 : 0, paid.length);
  agree(
    ofBatch,
    'attempts that may pay',
    batch.state > 1 && batch.state < SOLIDIFIED ? 1 : 0,
    open.length,
  );
  if (paid[0] !== undefined) agree(ofBatch, 'transaction id', paid[0].txid, batch.txid);
}

function pays({ chainBatchId, lines }: BatchRow, raw: Buffer): boolean {
  if (chainBatchId === null) return true;
  const payouts = lines.map(({ destination, units }) => ({
    to: destination,
    amountBaseUnits: baseUnits('TRC20_BTT', BigInt(units)),
  }));
  return raw.includes(Buffer.from(payBatchData(chainBatchId, payouts)));
}
