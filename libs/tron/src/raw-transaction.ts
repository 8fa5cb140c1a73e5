import { toHex } from '#libs/domain';
import { type Field, lastFields } from './protobuf.js';

/** What the signed bytes of a transaction say of it: its type, and its owner and TRC-10 transfer where they matter. */
export type RawFacts = {
  readonly type: string;
  /** Hex, 21 bytes; as all the fields below, empty when it is not there. */
  readonly owner_address: string;
  readonly asset_name?: string;
  readonly to_address?: string;
  readonly amount?: bigint;
};

// What the hot wallet can be made to sign, and what a deposit can be.
const TYPES = new Map([
  [1n, { type: 'TransferContract', owner: 1 }],
  [2n, { type: 'TransferAssetContract', owner: 2 }],
  [31n, { type: 'TriggerSmartContract', owner: 1 }],
]);

/** Names of the types of which {@link readRaw} tells more than nothing. */
export const RAW_TYPES: ReadonlySet<string> = new Set([...TYPES.values()].map(({ type }) => type));

/**
 * Reads the raw bytes of anybody's transaction as nodes do: unknown fields do not matter, and of a field that comes twice
 * the last counts. Undefined for other types. Throws a RangeError when they are no message.
 */
export function readRaw(raw: Uint8Array): RawFacts | undefined {
  const contract = lastFields(bytesOf(lastFields(raw), 11));
  const found = TYPES.get(intOf(contract, 1));
  if (found === undefined) return undefined;
  const value = lastFields(bytesOf(lastFields(bytesOf(contract, 2)), 2));
  const hex = (field: number) => toHex(bytesOf(value, field));
  const facts = { type: found.type, owner_address: hex(found.owner) };
  if (found.type !== 'TransferAssetContract') return facts;
  return { ...facts, asset_name: hex(1), to_address: hex(3), amount: intOf(value, 4) };
}

function bytesOf(fields: ReadonlyMap<number, Field>, number: number): Uint8Array {
  const value = fields.get(number);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function intOf(fields: ReadonlyMap<number, Field>, number: number): bigint {
  const value = fields.get(number);
  return typeof value === 'bigint' ? value : 0n;
}
