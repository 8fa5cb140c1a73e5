import { utils } from 'tronweb';
import { type Address, addressBytes, addressFromBytes, fromHex, toHex } from '#libs/domain';
import type { ChainLog } from './chain.js';

/** topics[0] of `Transfer(address,address,uint256)`. */
export const TRANSFER_TOPIC = topicOf('Transfer(address,address,uint256)');
/** topics[0] of the vault's `BatchPaid(bytes32,uint256,uint256)`. */
export const BATCH_PAID_TOPIC = topicOf('BatchPaid(bytes32,uint256,uint256)');
const PAYOUT_FAILED_TOPIC = topicOf('PayoutFailed(bytes32,uint256,address,uint256)');
const DEPOSITED_TOPIC = topicOf('Deposited(address,address,uint256)');
const WORD_BYTES = 32;

/** One payout of a batch, in base units of the token. */
export type VaultPayout = { readonly to: Address; readonly amountBaseUnits: bigint };

/** A TRC-20 transfer as its log tells it. */
export type Trc20Transfer = {
  readonly from: Address;
  readonly to: Address;
  readonly amountBaseUnits: bigint;
};

/** A line of a batch that the vault could not pay. The batch id is hex. */
export type FailedPayout = { readonly chainBatchId: string; readonly line: number };

/** A deposit that was made by calling the vault: for whom, by whom, how much. */
export type VaultDeposit = {
  readonly account: Address;
  readonly from: Address;
  readonly amountBaseUnits: bigint;
};

/** Call data of `payBatch(batchId, recipients, amounts)`. */
export function payBatchData(batchId: Uint8Array, payouts: readonly VaultPayout[]): Uint8Array {
  return callData('payBatch(bytes32,address[],uint256[])', [
    `0x${toHex(batchId)}`,
    payouts.map(({ to }) => `0x${toHex(addressBytes(to))}`),
    payouts.map(({ amountBaseUnits }) => amountBaseUnits),
  ]);
}

/**
 * Call data of a function given by its signature, e.g. `transfer(address,uint256)`. Addresses are
 * 0x-prefixed hex of 20 bytes, integers bigint.
 */
export function callData(signature: string, values: readonly unknown[] = []): Uint8Array {
  const types = signature.slice(signature.indexOf('(') + 1, -1);
  const list = types === '' ? [] : types.split(',');
  const parameters = utils.abi.encodeParams(list, [...values]);
  return Buffer.concat([selectorOf(signature), fromHex(parameters)]);
}

/** The four bytes with which call data of a function begins. */
export function selectorOf(signature: string): Uint8Array {
  return fromHex(topicOf(signature)).subarray(0, 4);
}

/** Reads a `Transfer` log, or undefined when the log is not one in the standard form. */
export function readTrc20Transfer(log: ChainLog): Trc20Transfer | undefined {
  const [kind, from, to, ...rest] = log.topics;
  if (kind !== TRANSFER_TOPIC || from === undefined || to === undefined || rest.length > 0) {
    return undefined;
  }
  if (log.data.length !== 64) return undefined;
  return {
    from: wordAddress(from),
    to: wordAddress(to),
    amountBaseUnits: BigInt(`0x${log.data}`),
  };
}

/** The batch id of a `BatchPaid` log, hex, or undefined when the log is another one. */
export function readBatchPaid(log: ChainLog): string | undefined {
  const [kind, batchId] = log.topics;
  return kind === BATCH_PAID_TOPIC ? batchId : undefined;
}

/** A `PayoutFailed` log of the vault, or undefined when the log is another one. */
export function readPayoutFailed(log: ChainLog): FailedPayout | undefined {
  const [kind, chainBatchId, line] = log.topics;
  if (kind !== PAYOUT_FAILED_TOPIC || chainBatchId === undefined || line === undefined) {
    return undefined;
  }
  return { chainBatchId, line: Number(BigInt(`0x${line}`)) };
}

/** A `Deposited` log of the vault, or undefined when the log is another one. */
export function readDeposited(log: ChainLog): VaultDeposit | undefined {
  const [kind, account, from] = log.topics;
  if (kind !== DEPOSITED_TOPIC || account === undefined || from === undefined) return undefined;
  return {
    account: wordAddress(account),
    from: wordAddress(from),
    amountBaseUnits: BigInt(`0x${log.data}`),
  };
}

/** The unsigned integers of an answer of `count` words; throws a TypeError for another length. */
export function readUints(answer: Uint8Array, count: number): bigint[] {
  if (answer.length !== count * WORD_BYTES) throw new TypeError(`expected ${count} 32-byte words`);
  return Array.from({ length: count }, (_, at) =>
    readUint(answer.subarray(at * WORD_BYTES, (at + 1) * WORD_BYTES)),
  );
}

/** The unsigned integer of a 32-byte answer; throws a TypeError for another length. */
export function readUint(answer: Uint8Array): bigint {
  if (answer.length !== 32) throw new TypeError('expected a 32-byte word');
  return BigInt(`0x${toHex(answer)}`);
}

/** The address in a 32-byte answer; throws a TypeError for another length. */
export function readAddress(answer: Uint8Array): Address {
  if (answer.length !== 32) throw new TypeError('expected a 32-byte word');
  return addressFromBytes(answer.slice(12));
}

/** An address as an ABI value. */
export function abiAddress(address: Address): string {
  return `0x${toHex(addressBytes(address))}`;
}

function wordAddress(topic: string): Address {
  return addressFromBytes(fromHex(topic).subarray(12));
}

/** topics[0] of an event given by its signature, hex. */
export function topicOf(signature: string): string {
  return utils.ethersUtils.keccak256(Buffer.from(signature, 'utf8')).replace(/^0x/, '');
}
