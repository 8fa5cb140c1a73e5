import { hash } from 'node:crypto';
import { z } from 'zod';
import { fromHex } from '#libs/domain';
import { hexText, int64OrZero } from './node-json.js';
import { bytesElement, bytesField, intField, message } from './protobuf.js';

// Strict: with a field that is not known here the hash could not be made, and this says why.
const headerSchema = z.strictObject({
  timestamp: int64OrZero,
  txTrieRoot: hexText.default(''),
  parentHash: hexText.default(''),
  number: int64OrZero,
  witness_id: int64OrZero,
  witness_address: hexText.default(''),
  version: int64OrZero,
  accountStateRoot: hexText.default(''),
});

/** `Transaction.Result.code` and `contractResult` by the names that nodes print. */
const CODES = ['SUCESS', 'FAILED'] as const;
const CONTRACT_RESULTS = [
  'DEFAULT',
  'SUCCESS',
  'REVERT',
  'BAD_JUMP_DESTINATION',
  'OUT_OF_MEMORY',
  'PRECOMPILED_CONTRACT',
  'STACK_TOO_SMALL',
  'STACK_TOO_LARGE',
  'ILLEGAL_OPERATION',
  'STACK_OVERFLOW',
  'OUT_OF_ENERGY',
  'OUT_OF_TIME',
  'JVM_STACK_OVER_FLOW',
  'UNKNOWN',
  'TRANSFER_FAILED',
  'INVALID_CODE',
] as const;
const resultSchema = z.strictObject({
  fee: int64OrZero,
  ret: z.enum(CODES).default('SUCESS'),
  contractRet: z.enum(CONTRACT_RESULTS).default('DEFAULT'),
});

const transactionSchema = z.object({
  raw_data_hex: hexText,
  signature: z.array(hexText).default([]),
  ret: z.array(resultSchema).default([]),
});

/** What a block shows as evidence, as a node has printed it. */
export type PrintedBlock = {
  readonly blockID: string;
  readonly block_header: { readonly raw_data: unknown };
  readonly transactions?: readonly unknown[] | undefined;
};

/**
 * Whether the block's id is the hash of its header and the header's root that of exactly these transactions, with their
 * signatures and results: then whoever changes one has to make up a header, too. False also for what cannot be told from
 * JSON, e.g. fields that this code does not know; anybody may put some into a transaction. Receipts and logs are under no root.
 */
export function isProven(block: PrintedBlock): boolean {
  const header = headerSchema.safeParse(block.block_header.raw_data);
  const transactions = z.array(transactionSchema).safeParse(block.transactions ?? []);
  if (!header.success || !transactions.success) return false;
  // Negative integers take a form that nothing honest needs here.
  try {
    const root = merkleRoot(transactions.data.map(leafOf));
    return header.data.txTrieRoot === root && blockIdOf(header.data) === block.blockID;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The number in 8 bytes, then the last 24 of the hash of the header's raw bytes. */
function blockIdOf(header: z.infer<typeof headerSchema>): string {
  const raw = message(
    intField(1, header.timestamp),
    bytesField(2, fromHex(header.txTrieRoot)),
    bytesField(3, fromHex(header.parentHash)),
    intField(7, header.number),
    intField(8, header.witness_id),
    bytesField(9, fromHex(header.witness_address)),
    intField(10, header.version),
    bytesField(11, fromHex(header.accountStateRoot)),
  );
  return header.number.toString(16).padStart(16, '0') + hash('sha256', raw).slice(16);
}

function leafOf({ raw_data_hex, signature, ret }: z.infer<typeof transactionSchema>): string {
  const results = ret.map(({ fee, ret: code, contractRet }) =>
    message(
      intField(1, fee),
      intField(2, BigInt(CODES.indexOf(code))),
      intField(3, BigInt(CONTRACT_RESULTS.indexOf(contractRet))),
    ),
  );
  const transaction = message(
    bytesField(1, fromHex(raw_data_hex)),
    ...signature.map((each) => bytesElement(2, fromHex(each))),
    ...results.map((each) => bytesElement(5, each)),
  );
  return hash('sha256', transaction);
}

/** A node of the tree without a partner moves up as it is; without any leaf the root is zero. */
function merkleRoot(leaves: readonly string[]): string {
  let level = leaves;
  while (level.length > 1) {
    const next: string[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left = '', right] = level.slice(at, at + 2);
      next.push(right === undefined ? left : hash('sha256', fromHex(left + right)));
    }
    level = next;
  }
  return level[0] ?? '00'.repeat(32);
}
