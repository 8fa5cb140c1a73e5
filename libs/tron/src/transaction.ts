import { hash } from 'node:crypto';
import { type Address, addressBytes, fromHex, toHex } from '#libs/domain';
import type { BlockRef } from './chain.js';
import { bytesField, intField, message } from './protobuf.js';

/** What a transaction does. */
export type ChainCall =
  | { readonly kind: 'trx'; readonly to: Address; readonly amountSun: bigint }
  | {
      readonly kind: 'trc10';
      readonly tokenId: string;
      readonly to: Address;
      readonly amountBaseUnits: bigint;
    }
  | { readonly kind: 'trigger'; readonly contract: Address; readonly data: Uint8Array };

/** Everything that its bytes depend on. */
export type TransactionTerms = {
  readonly owner: Address;
  readonly call: ChainCall;
  /** A recent block: on a fork without it the transaction is void. */
  readonly reference: BlockRef;
  readonly expirationMs: bigint;
  /** Not checked by the chain; two otherwise equal payouts differ in it. */
  readonly timestampMs: bigint;
  /** Most energy cost, in sun; 0 for calls that run no code. */
  readonly feeLimitSun: bigint;
};

/** A transaction before it is signed. */
export type UnsignedTransaction = {
  /** The bytes that are hashed and signed. */
  readonly raw: Uint8Array;
  /** SHA-256 of `raw`, hex: the transaction's id on chain. */
  readonly txid: string;
};

// Numbers and names of Transaction.Contract.ContractType.
const TYPES = {
  trx: { number: 1n, name: 'TransferContract' },
  trc10: { number: 2n, name: 'TransferAssetContract' },
  trigger: { number: 31n, name: 'TriggerSmartContract' },
} as const;

const text = (value: string) => Buffer.from(value, 'utf8');
const address = (value: Address) => Buffer.concat([Uint8Array.of(0x41), addressBytes(value)]);

/** Builds a transaction without asking anybody: what a node says about its content cannot matter. */
export function buildTransaction(terms: TransactionTerms): UnsignedTransaction {
  const { reference, call } = terms;
  const contract = message(
    intField(1, TYPES[call.kind].number),
    bytesField(
      2,
      message(
        bytesField(1, text(`type.googleapis.com/protocol.${TYPES[call.kind].name}`)),
        bytesField(2, callMessage(terms.owner, call)),
      ),
    ),
  );
  const refBytes = Buffer.alloc(2);
  refBytes.writeUInt16BE(Number(reference.number % 65_536n));
  const raw = message(
    bytesField(1, refBytes),
    bytesField(4, fromHex(reference.id).subarray(8, 16)),
    intField(8, terms.expirationMs),
    bytesField(11, contract),
    intField(14, terms.timestampMs),
    intField(18, terms.feeLimitSun),
  );
  return { raw, txid: txidOf(raw) };
}

/** The id of a transaction's raw bytes. */
export function txidOf(raw: Uint8Array): string {
  return hash('sha256', raw);
}

/** The bytes that are broadcast. The signature is r ‖ s ‖ v, 65 bytes. */
export function signedTransactionHex(raw: Uint8Array, signature: Uint8Array): string {
  if (signature.length !== 65) throw new TypeError('a TRON signature has 65 bytes');
  return toHex(message(bytesField(1, raw), bytesField(2, signature)));
}

function callMessage(owner: Address, call: ChainCall): Uint8Array {
  switch (call.kind) {
    case 'trx':
      return message(
        bytesField(1, address(owner)),
        bytesField(2, address(call.to)),
        intField(3, call.amountSun),
      );
    case 'trc10':
      return message(
        bytesField(1, text(call.tokenId)),
        bytesField(2, address(owner)),
        bytesField(3, address(call.to)),
        intField(4, call.amountBaseUnits),
      );
    case 'trigger':
      return message(
        bytesField(1, address(owner)),
        bytesField(2, address(call.contract)),
        bytesField(4, call.data),
      );
  }
}
