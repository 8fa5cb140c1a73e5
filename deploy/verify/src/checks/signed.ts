import { createHash } from 'node:crypto';
import type { TransactionSql } from '#libs/database';
import {
  type ChainCall,
  type DecodedTransaction,
  decodeTransaction,
  isSignedBy,
  signedTransactionHex,
  UnreadableTransactionError,
} from '#libs/tron';
import type { Audit } from '../audit.js';
import { agree, differ } from '../difference.js';
import { hotWalletOf } from '../vault.js';

/** A signed transaction as stored before it was sent. */
export type SignedRow = {
  readonly attempt: number;
  readonly txid: Buffer;
  readonly raw: Buffer;
  readonly signed: Buffer;
  readonly feeLimitSun: bigint;
  readonly expirationMs: bigint;
  readonly outcome: number;
};

/** What became of it. */
export const OPEN = 0;
const [PAID, FAILED, DEAD] = [1, 2, 3] as const;
const SIGNATURE_BYTES = 65;
/** Of a batch and of an epoch alike. */
const [SIGNED, SOLIDIFIED] = [2, 5];

/** Columns of a {@link SignedRow}. */
export function signedColumns(sql: TransactionSql) {
  return sql`attempt, txid, raw, signed, fee_limit_sun as "feeLimitSun",
    expiration_ms as "expirationMs", outcome::int`;
}

/** Throws a DifferenceError unless these bytes are what a hot wallet has signed, and do what they are for. */
export async function isOurs(
  audit: Audit,
  row: { readonly table: string; readonly key: string },
  stored: SignedRow,
  does: { readonly what: string; readonly test: (call: ChainCall) => boolean },
): Promise<void> {
  const { raw, signed, outcome } = stored;
  agree(row, 'transaction id', createHash('sha256').update(raw).digest(), stored.txid);
  const signature = signed.subarray(-SIGNATURE_BYTES);
  agree(row, 'signed', signedTransactionHex(raw, signature), signed);
  const said = decoded(raw);
  if (said === undefined || !does.test(said.call)) differ(row, does.what, 'something else');
  agree(row, 'expiration', said.expirationMs, stored.expirationMs);
  agree(row, 'fee limit', said.feeLimitSun, stored.feeLimitSun);
  // The hot wallet may have been another one when an attempt ended; what may still pay is signed by today's.
  const signer = outcome === OPEN ? await hotWalletOf(audit) : said.owner;
  agree(row, 'owner', signer, said.owner);
  if (!isSignedBy(signer, raw, signature)) differ(row, `signed by ${signer}`, 'another');
  if (outcome !== OPEN) agree(row, 'outcome', await outcomeOf(audit, stored), outcome);
}

/** What has become of one that is over, by the blocks that settlement has read. */
async function outcomeOf({ sql }: Audit, { txid }: SignedRow): Promise<number> {
  const [own] = await sql<{ succeeded: boolean }[]>`
    select succeeded from settlement.own_transactions where txid = ${txid}`;
  if (own === undefined) return DEAD;
  return own.succeeded ? PAID : FAILED;
}

/** Throws a DifferenceError unless as many attempts are open and have paid as the state says, and the id is theirs. */
export function countsAgree(
  row: { readonly table: string; readonly key: string },
  whole: { readonly state: number; readonly attempts: number; readonly txid: Buffer | null },
  stored: readonly SignedRow[],
): void {
  const { state, attempts, txid } = whole;
  agree(row, 'attempts', stored.length, attempts);
  const paid = stored.filter(({ outcome }) => outcome === PAID);
  const open = stored.filter(({ outcome }) => outcome === OPEN);
  agree(row, 'attempts that have paid', state === SOLIDIFIED ? 1 : 0, paid.length);
  const isOpen = state >= SIGNED && state < SOLIDIFIED;
  agree(row, 'attempts that may pay', isOpen ? 1 : 0, open.length);
  const last = paid[0] ?? stored.at(-1);
  agree(row, 'transaction id', last?.txid, txid);
}

function decoded(raw: Buffer): DecodedTransaction | undefined {
  try {
    return decodeTransaction(raw);
  } catch (error) {
    if (!(error instanceof UnreadableTransactionError)) throw error;
    return undefined;
  }
}
