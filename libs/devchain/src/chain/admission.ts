import { addressKey } from '../codec/address.js';
import { bytesOf, intOf } from '../codec/protobuf.js';
import { contractTypeNumbers } from '../codec/schema.js';
import { recoverSigner, type Transaction } from '../codec/transaction.js';
import { TransactionRefused } from '../execution/outcome.js';
import { params } from '../params.js';
import { accountOf } from '../state/accounts.js';
import { checkSigners, defaultPermissions } from '../state/permissions.js';
import type { StateReader } from '../state/world.js';
import type { BlockIndex } from './block-index.js';

const RECENT_BLOCKS = 65_536;

/** Two low bytes of a block's number and eight bytes of its id: what a transaction refers to. */
export function referenceOf(index: BlockIndex, number: number): { bytes: Buffer; hash: Buffer } {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number % RECENT_BLOCKS);
  return { bytes, hash: index.idOf(number).subarray(8, 16) };
}

/** Checks that the transaction names a block of this chain, one of the latest 65 536. */
export function checkReference(transaction: Transaction, index: BlockIndex): void {
  const bytes = Buffer.from(bytesOf(transaction.raw, 'ref_block_bytes'));
  const hash = bytesOf(transaction.raw, 'ref_block_hash');
  const refused = new TransactionRefused('TAPOS_ERROR', 'Tapos check error.');
  if (bytes.length !== 2) throw refused;
  const head = index.headNumber;
  const back = (head - bytes.readUInt16BE() + RECENT_BLOCKS) % RECENT_BLOCKS;
  if (back > head || !referenceOf(index, head - back).hash.equals(hash)) throw refused;
}

/** Checks size and expiration against the head block's time. */
export function checkCommon(transaction: Transaction, headTimestampMs: number): void {
  if (transaction.sizeBytes > params.transactionBytesMax) {
    throw new TransactionRefused('TOO_BIG_TRANSACTION_ERROR', 'Transaction size is too big.');
  }
  const expirationMs = Number(intOf(transaction.raw, 'expiration'));
  if (
    expirationMs <= headTimestampMs ||
    expirationMs > headTimestampMs + params.expirationAheadMaxMs
  ) {
    throw new TransactionRefused('TRANSACTION_EXPIRATION_ERROR', 'Transaction expired');
  }
}

/** Checks the signatures against the permission the transaction names. */
export function checkSignatures(transaction: Transaction, state: StateReader): void {
  const owner = addressKey(transaction.owner);
  const permissions = accountOf(state, owner)?.permissions ?? defaultPermissions(owner);
  const signers = transaction.signatures.map((signature) => {
    const address = recoverSigner(transaction.txId, signature);
    return address === undefined ? undefined : addressKey(address);
  });
  const type = contractTypeNumbers[transaction.type];
  const check = checkSigners(permissions, transaction.permissionId, type, signers);
  if (!check.ok) {
    throw new TransactionRefused('SIGERROR', `Validate signature error: ${check.message}`);
  }
}
