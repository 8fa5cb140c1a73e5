/**
 * The few lines of protobuf that building a transaction needs. The bytes are what gets signed, so
 * they are made here, from bigint, and not by a library that would round an amount above 2^53.
 */

function varint(value: bigint): Uint8Array {
  if (value < 0n) throw new RangeError('negative integers do not occur in our transactions');
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** An integer field; nothing when it is 0, as proto3 demands. */
export function intField(number: number, value: bigint): Uint8Array {
  if (value >= 1n << 63n) throw new RangeError('the integer does not fit 64 bits');
  if (value === 0n) return new Uint8Array();
  return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
}

/** A bytes, string or message field; nothing when it is empty. */
export function bytesField(number: number, value: Uint8Array): Uint8Array {
  if (value.length === 0) return new Uint8Array();
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(value.length)), value]);
}

/** A message of its fields, which must come in ascending order. */
export function message(...fields: Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** A field as it is read: an integer or bytes. */
export type Field = bigint | Uint8Array;

/**
 * The fields of a message. Throws a RangeError for what we never write: other wire types, a field
 * twice, an integer of more than 64 bits, bytes that are cut off.
 */
export function readFields(bytes: Uint8Array): ReadonlyMap<number, Field> {
  const fields = new Map<number, Field>();
  let at = 0;
  const readVarint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the bytes end too early');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('an integer is too long');
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (fields.has(number)) throw new RangeError(`field ${number} comes twice`);
    if (type === 0) fields.set(number, readVarint());
    else if (type === 2) {
      const length = Number(readVarint());
      if (length > bytes.length - at) throw new RangeError('the bytes end too early');
      fields.set(number, bytes.subarray(at, at + length));
      at += length;
    } else throw new RangeError(`field ${number} has the wire type ${type}`);
  }
  return fields;
}
