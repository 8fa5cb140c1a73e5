import { type Address, addressFromBytes, equalBytes, toHex } from '#libs/domain';
import { callData, payBatchData, selectorOf, type VaultPayout } from './abi.js';

/** A call of the vault that its operator makes, read from call data. Ids and roots are hex. */
export type VaultCall =
  | {
      readonly method: 'payBatch';
      readonly batchId: string;
      readonly payouts: readonly VaultPayout[];
    }
  | {
      readonly method: 'commitClaims';
      readonly batchId: string;
      readonly root: string;
      readonly totalUnits: bigint;
      readonly claimableUntilS: bigint;
    }
  | { readonly method: 'releaseClaims'; readonly batchId: string }
  | {
      readonly method: 'commitEpoch';
      readonly epoch: bigint;
      readonly root: string;
      readonly totalUnits: bigint;
    };

const WORD = 32;
const SIGNATURES = {
  payBatch: 'payBatch(bytes32,address[],uint256[])',
  commitClaims: 'commitClaims(bytes32,bytes32,uint64,uint40)',
  releaseClaims: 'releaseClaims(bytes32)',
  commitEpoch: 'commitEpoch(uint64,bytes32,uint64)',
} as const;
type Method = keyof typeof SIGNATURES;
const METHODS = new Map(
  (Object.keys(SIGNATURES) as Method[]).map((method) => [
    toHex(selectorOf(SIGNATURES[method])),
    method,
  ]),
);

/**
 * Reads call data of the vault, or undefined when it is another method or not exactly in the form in
 * which we encode it: what the contract would read otherwise than we do must not pass.
 */
export function readVaultCall(data: Uint8Array): VaultCall | undefined {
  const method = METHODS.get(toHex(data.subarray(0, 4)));
  if (method === undefined || (data.length - 4) % WORD !== 0) return undefined;
  const words = Array.from({ length: (data.length - 4) / WORD }, (_, at) =>
    data.subarray(4 + at * WORD, 4 + (at + 1) * WORD),
  );
  const call = readCall(method, words);
  return call !== undefined && equalBytes(encodeVaultCall(call), data) ? call : undefined;
}

/** The call data of a call. */
export function encodeVaultCall(call: VaultCall): Uint8Array {
  const signature = SIGNATURES[call.method];
  switch (call.method) {
    case 'payBatch':
      return payBatchData(Buffer.from(call.batchId, 'hex'), call.payouts);
    case 'commitClaims': {
      const { batchId, root, totalUnits, claimableUntilS } = call;
      return callData(signature, [`0x${batchId}`, `0x${root}`, totalUnits, claimableUntilS]);
    }
    case 'releaseClaims':
      return callData(signature, [`0x${call.batchId}`]);
    case 'commitEpoch':
      return callData(signature, [call.epoch, `0x${call.root}`, call.totalUnits]);
  }
}

function readCall(method: Method, words: readonly Uint8Array[]): VaultCall | undefined {
  const uint = (at: number) => BigInt(`0x${toHex(words[at] ?? new Uint8Array(1))}`);
  const hex = (at: number) => toHex(words[at] ?? new Uint8Array(WORD));
  switch (method) {
    case 'payBatch': {
      const payouts = readPayouts(words);
      return payouts && { method, batchId: hex(0), payouts };
    }
    case 'commitClaims': {
      const [totalUnits, claimableUntilS] = [uint(2), uint(3)];
      if (totalUnits >= 1n << 64n || claimableUntilS >= 1n << 40n) return undefined;
      return { method, batchId: hex(0), root: hex(1), totalUnits, claimableUntilS };
    }
    case 'releaseClaims':
      return { method, batchId: hex(0) };
    case 'commitEpoch': {
      const [epoch, totalUnits] = [uint(0), uint(2)];
      if (epoch >= 1n << 64n || totalUnits >= 1n << 64n) return undefined;
      return { method, epoch, root: hex(1), totalUnits };
    }
  }
}

// Words: id, offset of the payees, offset of the amounts, count, payees…, count, amounts…
function readPayouts(words: readonly Uint8Array[]): VaultPayout[] | undefined {
  const count = (words.length - 5) / 2;
  if (count < 0 || !Number.isInteger(count)) return undefined;
  const payouts: VaultPayout[] = [];
  for (let line = 0; line < count; line++) {
    const payee = words[4 + line];
    const amount = words[5 + count + line];
    if (payee === undefined || amount === undefined) return undefined;
    const to: Address = addressFromBytes(payee.slice(12));
    payouts.push({ to, amountBaseUnits: BigInt(`0x${toHex(amount)}`) });
  }
  return payouts;
}
