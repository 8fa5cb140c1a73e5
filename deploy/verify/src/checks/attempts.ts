import { createHash } from 'node:crypto';
import { baseUnits, equalBytes } from '#libs/domain';
import {
  type ChainCall,
  type DecodedTransaction,
  decodeTransaction,
  isSignedBy,
  payBatchData,
  signedTransactionHex,
  UnreadableTransactionError,
} from '#libs/tron';
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
  for (const [at, row] of rows.entries()) {
    const key = `batch ${batch.batchNo}, attempt ${row.attempt}`;
    const ofAttempt = { table: 'settlement.attempts', key };
    agree(ofAttempt, 'attempt', at + 1, row.attempt);
    const { raw, signed } = row;
    agree(ofAttempt, 'transaction id', createHash('sha256').update(raw).digest(), row.txid);
    const signature = signed.subarray(-SIGNATURE_BYTES);
    agree(ofAttempt, 'signed', signedTransactionHex(raw, signature), signed);
    const said = decoded(raw);
    if (said === undefined || !pays(audit, batch, said.call))
      differ(ofAttempt, 'the payouts of the batch', 'others');
    // The hot wallet may have been another one when an attempt ended; what may still pay is signed by today's.
    const signer = row.outcome === OPEN ? await hotWalletOf(audit) : said.owner;
    agree(ofAttempt, 'owner', signer, said.owner);
    if (!isSignedBy(signer, raw, signature)) differ(ofAttempt, `signed by ${signer}`, 'another');
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

function decoded(raw: Buffer): DecodedTransaction | undefined {
  try {
    return decodeTransaction(raw);
  } catch (error) {
    if (!(error instanceof UnreadableTransactionError)) throw error;
    return undefined;
  }
}

function pays({ place }: Audit, { chainBatchId, lines }: BatchRow, call: ChainCall): boolean {
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
  const isVault = call.kind === 'trigger' && call.contract === place.vault;
  return isVault && equalBytes(call.data, payBatchData(chainBatchId, payouts));
}
