import { type Address, addressFromBytes, equalBytes, toHex } from '#libs/domain';
import { type Field, readFields } from './protobuf.js';
import { buildTransaction, type ChainCall } from './transaction.js';

/** What a transaction's raw bytes say, read without trusting whoever made them. */
export type DecodedTransaction = {
  readonly owner: Address;
  readonly call: ChainCall;
  /** Low two bytes of the reference block's number. */
  readonly referenceBytes: number;
  /** Bytes 8 to 15 of the reference block's id, hex. */
  readonly referenceHash: string;
  readonly expirationMs: bigint;
  readonly timestampMs: bigint;
  readonly feeLimitSun: bigint;
};

/** The bytes are no transaction of the kind that we build. */
export class UnreadableTransactionError extends TypeError {
  override readonly name = 'UnreadableTransactionError';

  constructor(
    message: string,
    /** True when it is one but for a memo or a permission id. */
    readonly memoOrPermission = false,
  ) {
    super(message);
  }
}

const RAW_BYTES_MAX = 128 * 1024;
const MEMO_FIELD = 10;
const PERMISSION_FIELD = 5;
const KINDS = new Map<bigint, ChainCall['kind']>([
  [1n, 'trx'],
  [2n, 'trc10'],
  [31n, 'trigger'],
]);

/**
 * Reads raw bytes strictly: exactly the fields that `buildTransaction` writes, in its order and in
 * its form, since a signature covers every byte and an unknown one could mean anything. Throws an
 * UnreadableTransactionError.
 */
export function decodeTransaction(raw: Uint8Array): DecodedTransaction {
  if (raw.length === 0 || raw.length > RAW_BYTES_MAX) throw unreadable('its size');
  const fields = fieldsOf(raw);
  if (fields.has(MEMO_FIELD)) throw new UnreadableTransactionError('it carries a memo', true);
  const contract = fieldsOf(bytesOf(fields, 11, 'its contract'));
  if (contract.has(PERMISSION_FIELD)) {
    throw new UnreadableTransactionError('it names a permission', true);
  }
  const kind = KINDS.get(intOf(contract, 1));
  if (kind === undefined) throw unreadable(`the contract type ${intOf(contract, 1)}`);
  const parameter = fieldsOf(bytesOf(contract, 2, 'its parameter'));
  const reference = bytesOf(fields, 1, 'its reference block');
  const hash = bytesOf(fields, 4, 'its reference block');
  if (reference.length !== 2 || hash.length !== 8) throw unreadable('its reference block');
  const decoded = {
    ...callOf(kind, fieldsOf(bytesOf(parameter, 2, 'its call'))),
    referenceBytes: Buffer.from(reference).readUInt16BE(),
    referenceHash: toHex(hash),
    expirationMs: intOf(fields, 8),
    timestampMs: intOf(fields, 14),
    feeLimitSun: intOf(fields, 18),
  };
  // Whatever was overlooked above (another order, a field twice, an unknown one) differs here.
  if (!isOurForm(decoded, raw)) throw unreadable('a form that we never write');
  return decoded;
}

function isOurForm(decoded: DecodedTransaction, raw: Uint8Array): boolean {
  const { referenceBytes, referenceHash, ...terms } = decoded;
  const id = `${'00'.repeat(8)}${referenceHash}${'00'.repeat(16)}`;
  const reference = { number: BigInt(referenceBytes), id, timestampMs: 0n };
  try {
    return equalBytes(buildTransaction({ ...terms, reference }).raw, raw);
  } catch (error) {
    // An integer that is negative on chain.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function callOf(
  kind: ChainCall['kind'],
  fields: ReadonlyMap<number, Field>,
): { readonly owner: Address; readonly call: ChainCall } {
  switch (kind) {
    case 'trx':
      return {
        owner: addressOf(fields, 1),
        call: { kind, to: addressOf(fields, 2), amountSun: intOf(fields, 3) },
      };
    case 'trc10':
      return {
        owner: addressOf(fields, 2),
        call: {
          kind,
          tokenId: Buffer.from(bytesOf(fields, 1, 'its token')).toString('latin1'),
          to: addressOf(fields, 3),
          amountBaseUnits: intOf(fields, 4),
        },
      };
    case 'trigger':
      return {
        owner: addressOf(fields, 1),
        call: {
          kind,
          contract: addressOf(fields, 2),
          data: bytesOf(fields, 4, 'its call data'),
        },
      };
  }
}

function fieldsOf(bytes: Uint8Array): ReadonlyMap<number, Field> {
  try {
    return readFields(bytes);
  } catch (cause) {
    throw unreadable(cause instanceof Error ? cause.message : 'its form');
  }
}

function intOf(fields: ReadonlyMap<number, Field>, number: number): bigint {
  const value = fields.get(number) ?? 0n;
  if (typeof value !== 'bigint') throw unreadable(`field ${number}`);
  return value;
}

function bytesOf(fields: ReadonlyMap<number, Field>, number: number, what: string): Uint8Array {
  const value = fields.get(number);
  if (!(value instanceof Uint8Array)) throw unreadable(what);
  return value;
}

function addressOf(fields: ReadonlyMap<number, Field>, number: number): Address {
  const bytes = bytesOf(fields, number, 'an address');
  if (bytes.length !== 21 || bytes[0] !== 0x41) throw unreadable('an address');
  return addressFromBytes(bytes.subarray(1));
}

function unreadable(what: string): UnreadableTransactionError {
  return new UnreadableTransactionError(`not a transaction that settlement builds: ${what}`);
}
