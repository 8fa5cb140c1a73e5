/** Wire-level Protocol Buffers and messages as plain records, driven by the tables in schema.ts. */

export type Value = bigint | boolean | string | Uint8Array | Message | Value[];
/** A decoded message: int and enum fields are bigint, bytes are Uint8Array; absent means default. */
export interface Message {
  [field: string]: Value | undefined;
}

export type Kind =
  | 'int64' // printed as a JSON number that may exceed 2^53
  | 'int32'
  | 'bool'
  | 'string'
  | 'bytes' // hex in JSON
  | 'address' // hex, or base58 when `visible`
  | 'text' // hex, or UTF-8 when `visible`
  | { readonly enumOf: Readonly<Record<string, number>> }
  | { readonly messageOf: Schema };

export interface Field {
  readonly no: number;
  readonly name: string;
  readonly kind: Kind;
  readonly repeated?: boolean;
}
/** Fields in ascending number, the order in which they are written. */
export type Schema = readonly Field[];

/** Bytes that are no valid message of the expected type. */
export class ProtobufError extends Error {}

const BYTES_DEPTH_MAX = 16;
const U64 = (1n << 64n) - 1n;

function pushVarint(out: number[], value: bigint): void {
  let rest = value & U64;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

function isLengthDelimited(kind: Kind): boolean {
  return typeof kind === 'string'
    ? kind === 'string' || kind === 'bytes' || kind === 'address' || kind === 'text'
    : 'messageOf' in kind;
}

function payload(kind: Kind, value: Value): Uint8Array {
  if (typeof kind !== 'string' && 'messageOf' in kind) {
    return encode(kind.messageOf, value as Message);
  }
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : (value as Uint8Array);
}

function isDefault(kind: Kind, value: Value): boolean {
  if (typeof kind !== 'string' && 'messageOf' in kind) return false;
  if (value instanceof Uint8Array || typeof value === 'string') return value.length === 0;
  return value === 0n || value === false;
}

function writeOne(parts: Uint8Array[], field: Field, value: Value): void {
  const head: number[] = [];
  if (isLengthDelimited(field.kind)) {
    const body = payload(field.kind, value);
    pushVarint(head, BigInt((field.no << 3) | 2));
    pushVarint(head, BigInt(body.length));
    parts.push(Uint8Array.from(head), body);
    return;
  }
  pushVarint(head, BigInt(field.no << 3));
  pushVarint(head, typeof value === 'boolean' ? (value ? 1n : 0n) : (value as bigint));
  parts.push(Uint8Array.from(head));
}

/** Serializes a message in field order, leaving out default values (as protobuf 3 does). */
export function encode(schema: Schema, message: Message): Buffer {
  const parts: Uint8Array[] = [];
  for (const field of schema) {
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.repeated) for (const item of value as Value[]) writeOne(parts, field, item);
    else if (!isDefault(field.kind, value)) writeOne(parts, field, value);
  }
  return Buffer.concat(parts);
}

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}
  get done(): boolean {
    return this.at >= this.bytes.length;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new ProtobufError('truncated varint');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value & U64;
    }
    throw new ProtobufError('varint too long');
  }
  take(): Uint8Array {
    const length = this.varint();
    if (length > BigInt(this.bytes.length - this.at)) throw new ProtobufError('truncated field');
    const from = this.at;
    this.at += Number(length);
    return this.bytes.subarray(from, this.at);
  }
}

function readValue(field: Field, wireType: number, reader: Reader, depth: number): Value {
  const { kind } = field;
  if (isLengthDelimited(kind)) {
    if (wireType !== 2) throw new ProtobufError(`wrong wire type for ${field.name}`);
    const body = reader.take();
    if (typeof kind !== 'string' && 'messageOf' in kind) {
      return decode(kind.messageOf, body, depth + 1);
    }
    return kind === 'string' ? Buffer.from(body).toString('utf8') : Uint8Array.from(body);
  }
  if (wireType !== 0) throw new ProtobufError(`wrong wire type for ${field.name}`);
  const raw = reader.varint();
  return kind === 'bool' ? raw !== 0n : BigInt.asIntN(64, raw);
}

/** Reads a message. @throws ProtobufError for truncated input, unknown fields or wrong types. */
export function decode(schema: Schema, bytes: Uint8Array, depth = 0): Message {
  if (depth > BYTES_DEPTH_MAX) throw new ProtobufError('message nested too deeply');
  const reader = new Reader(bytes);
  const message: Message = {};
  while (!reader.done) {
    const tag = Number(reader.varint());
    const field = schema.find((candidate) => candidate.no === tag >>> 3);
    if (field === undefined) throw new ProtobufError(`unknown field ${tag >>> 3}`);
    const value = readValue(field, tag & 7, reader, depth);
    const known = message[field.name];
    if (!field.repeated) message[field.name] = value;
    else if (Array.isArray(known)) known.push(value);
    else message[field.name] = [value];
  }
  return message;
}

/** An integer field, 0 when absent. */
export function intOf(message: Message, name: string): bigint {
  const value = message[name];
  return typeof value === 'bigint' ? value : 0n;
}

/** A bytes field, empty when absent. */
export function bytesOf(message: Message, name: string): Uint8Array {
  const value = message[name];
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** A string field, empty when absent. */
export function textOf(message: Message, name: string): string {
  const value = message[name];
  return typeof value === 'string' ? value : '';
}

/** An embedded message, or undefined. */
export function messageOf(message: Message, name: string): Message | undefined {
  const value = message[name];
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)
    ? value
    : undefined;
}

/** A repeated embedded message, empty when absent. */
export function messagesOf(message: Message, name: string): Message[] {
  const value = message[name];
  return Array.isArray(value) ? (value as Message[]) : [];
}
