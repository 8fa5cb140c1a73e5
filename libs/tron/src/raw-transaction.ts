import { toHex } from '#libs/domain';
import { type Field, lastFields } from './protobuf.js';

/** What the signed bytes of a transaction say of it: its owner, and its type and TRC-10 transfer where they matter. */
export type RawFacts = {
  /** Empty where only the owner matters. */
  readonly type: string;
  /** Hex, 21 bytes; as all the fields below, empty when it is not there. */
  readonly owner_address: string;
  readonly asset_name?: string;
  readonly to_address?: string;
  readonly amount?: bigint;
};

// What the hot wallet can be made to sign, and what a deposit can be.
const TYPES = new Map([
  [1n, 'TransferContract'],
  [2n, 'TransferAssetContract'],
  [31n, 'TriggerSmartContract'],
]);

/** Names of the types that {@link readRaw} tells. */
export const RAW_TYPES: ReadonlySet<string> = new Set(TYPES.values());

// Fields of `owner_address` in the messages of java-tron's protocol, by the number of the contract type. Not there:
// 20 and 32, which no transaction has, and 51, whose sender may be nobody.
const OWNER_SECOND = [2, 10, 19];
const OWNER_FIRST = [
  [0, 1],
  [3, 6],
  [8, 9],
  [11, 18],
  [30, 31],
  [33, 33],
  [41, 46],
  [48, 49],
  [52, 59],
];

function ownerField(type: bigint): number | undefined {
  if (OWNER_SECOND.some((second) => type === BigInt(second))) return 2;
  return OWNER_FIRST.some(([from = 0, to = 0]) => from <= type && type <= to) ? 1 : undefined;
}

/**
 * Reads the raw bytes of anybody's transaction as nodes do: unknown fields do not matter, and of a field that comes twice
 * the last counts. Undefined for types that are unknown or have no owner. Throws a RangeError when they are no message.
 */
export function readRaw(raw: Uint8Array): RawFacts | undefined {
  const contract = lastFields(bytesOf(lastFields(raw), 11));
  const number = intOf(contract, 1);
  const owner = ownerField(number);
  if (owner === undefined) return undefined;
  const type = TYPES.get(number) ?? '';
  const value = lastFields(bytesOf(lastFields(bytesOf(contract, 2)), 2));
  const hex = (field: number) => toHex(bytesOf(value, field));
  const facts = { type, owner_address: hex(owner) };
  if (type !== 'TransferAssetContract') return facts;
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
