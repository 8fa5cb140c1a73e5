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
  return value.length === 0 ? new Uint8Array() : bytesElement(number, value);
}

/** One element of a repeated field of bytes or messages; an empty one counts, too. */
export function bytesElement(number: number, value: Uint8Array): Uint8Array {
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
  for (const [number, value] of fieldsIn(bytes)) {
    if (fields.has(number)) throw new RangeError(`field ${number} comes twice`);
    if (value === undefined) throw new RangeError(`field ${number} has another wire type`);
    fields.set(number, value);
  }
  return fields;
}

/** Integers and bytes of a message that others have written, the last one of each field. Throws a RangeError when it is none. */
export function lastFields(bytes: Uint8Array): ReadonlyMap<number, Field> {
  const fields = new Map<number, Field>();
  for (const [number, value] of fieldsIn(bytes)) {
    if (value !== undefined) fields.set(number, value);
  }
  return fields;
}

/** Field by field; undefined stands for numbers of fixed length and the marks of groups, which mean nothing to us. */
function* fieldsIn(bytes: Uint8Array): Generator<[number: number, value: Field | undefined]> {
  let at = 0;
  // Starts of groups that are not over: what is within them are no fields of this message.
  let groups = 0;
  const skip = (length: number) => {
    if (length > bytes.length - at) throw new RangeError('the bytes end too early');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const readVarint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = skip(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('an integer is too long');
  };
  while (at < bytes.length) {
    const tag = readVarint();
    const number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    if (type === 0) {
      const value = readVarint();
      if (groups === 0) yield [number, value];
    } else if (type === 2) {
      const value = skip(Number(readVarint()));
      if (groups === 0) yield [number, value];
    } else if (type === 1 || type === 5) {
      skip(type === 1 ? 8 : 4);
      if (groups === 0) yield [number, undefined];
    } else if (type === 3 || (type === 4 && groups > 0)) {
      groups += type === 3 ? 1 : -1;
      yield [number, undefined];
    } else throw new RangeError(`field ${number} has the wire type ${type}`);
  }
  if (groups > 0) throw new RangeError('the bytes end too early');
}
