import { parseAddress, toBase58 } from './address.js';
import type { Field, Kind, Message, Schema, Value } from './protobuf.js';

/** JSON as java-tron writes it: 64-bit integers as bare numbers, bytes as hex. */
export type Json = string | number | bigint | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json | undefined;
}

/** JSON that is malformed or does not fit the message it should describe. */
export class JsonError extends Error {}

interface ReviverContext {
  readonly source?: string;
}
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: ReviverContext) => unknown,
) => unknown;
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** Parses JSON keeping integers above 2^53 exact (as bigint). @throws JsonError */
export function parseJson(text: string): Json {
  try {
    return parseWithSource(text, (_key, value, context) =>
      typeof value === 'number' &&
      !Number.isSafeInteger(value) &&
      /^-?\d+$/.test(context.source ?? '')
        ? BigInt(context.source ?? '0')
        : value,
    ) as Json;
  } catch {
    throw new JsonError('invalid JSON');
  }
}

/** Prints JSON; bigint becomes a bare number, or a string when `int64AsString`. */
export function printJson(value: unknown, int64AsString = false): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    return int64AsString ? item.toString() : rawJson(item.toString());
  });
}

/** True for a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const INT64_MAX = (1n << 63n) - 1n;

/** An integer given as number, bigint or decimal text. @throws JsonError */
export function toInt(value: Json | undefined, name: string): bigint {
  let result: bigint | undefined;
  if (typeof value === 'bigint') result = value;
  else if (typeof value === 'number' && Number.isSafeInteger(value)) result = BigInt(value);
  else if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) result = BigInt(value);
  if (result === undefined || result > INT64_MAX || result < -INT64_MAX - 1n) {
    throw new JsonError(`${name} must be a 64-bit integer`);
  }
  return result;
}

/** Bytes given as hex, with or without 0x. @throws JsonError */
export function toBytes(value: Json | undefined, name: string): Buffer {
  if (typeof value !== 'string') throw new JsonError(`${name} must be a hex string`);
  const hex = value.startsWith('0x') ? value.slice(2) : value;
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) {
    throw new JsonError(`INVALID hex String: ${name}`);
  }
  return Buffer.from(hex, 'hex');
}

function readEnum(values: Readonly<Record<string, number>>, value: Json, name: string): bigint {
  if (typeof value === 'string') {
    const match = Object.keys(values).find((key) => key.toLowerCase() === value.toLowerCase());
    if (match !== undefined) return BigInt(values[match] ?? 0);
  }
  const number = typeof value === 'number' ? value : Number.NaN;
  if (!Object.values(values).includes(number)) throw new JsonError(`unknown ${name}`);
  return BigInt(number);
}

function readValue(kind: Kind, value: Json, name: string, visible: boolean): Value {
  if (typeof kind !== 'string') {
    if ('enumOf' in kind) return readEnum(kind.enumOf, value, name);
    return messageFromJson(kind.messageOf, value, name, visible);
  }
  switch (kind) {
    case 'int64':
    case 'int32':
      return toInt(value, name);
    case 'bool':
      return value === true || value === 'true';
    case 'string':
      if (typeof value !== 'string') throw new JsonError(`${name} must be a string`);
      return value;
    case 'bytes':
      return toBytes(value, name);
    case 'address':
      if (typeof value !== 'string') throw new JsonError(`${name} must be an address`);
      return parseAddress(value);
    case 'text':
      return visible && typeof value === 'string' ? Buffer.from(value) : toBytes(value, name);
  }
}

/** Builds a message from JSON, ignoring names the schema does not have. @throws JsonError */
export function messageFromJson(
  schema: Schema,
  json: Json | undefined,
  name: string,
  visible: boolean,
): Message {
  if (!isObject(json)) throw new JsonError(`${name} must be an object`);
  const message: Message = {};
  for (const field of schema) {
    const value = json[field.name];
    if (value === undefined || value === null) continue;
    if (!field.repeated) message[field.name] = readValue(field.kind, value, field.name, visible);
    else {
      // java-tron accepts a single object where a list is expected.
      const items = Array.isArray(value) ? value : [value];
      message[field.name] = items.map((item) => readValue(field.kind, item, field.name, visible));
    }
  }
  return message;
}

function printValue(kind: Kind, value: Value, visible: boolean): Json {
  if (typeof kind !== 'string') {
    if ('messageOf' in kind) return messageToJson(kind.messageOf, value as Message, visible);
    const number = Number(value as bigint);
    return Object.entries(kind.enumOf).find(([, no]) => no === number)?.[0] ?? number;
  }
  if (value instanceof Uint8Array) {
    if (visible && kind === 'address' && value.length === 21) return toBase58(value);
    if (visible && kind === 'text') return Buffer.from(value).toString('utf8');
    return Buffer.from(value).toString('hex');
  }
  if (kind === 'int32') return Number(value as bigint);
  return value as Json;
}

function isAbsent(field: Field, value: Value | undefined): boolean {
  if (value === undefined || value === 0n || value === false) return true;
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length === 0;
  return Array.isArray(value) && value.length === 0 && field.repeated === true;
}

/** Prints a message as JSON, leaving out default values. */
export function messageToJson(schema: Schema, message: Message, visible: boolean): JsonObject {
  const json: JsonObject = {};
  for (const field of schema) {
    const value = message[field.name];
    if (value === undefined || isAbsent(field, value)) continue;
    json[field.name] = field.repeated
      ? (value as Value[]).map((item) => printValue(field.kind, item, visible))
      : printValue(field.kind, value, visible);
  }
  return json;
}
