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
