import { isObject, type Json, JsonError, type JsonObject } from '../codec/json.js';
import type { BroadcastCode } from '../execution/outcome.js';
import { params } from '../params.js';

/** Misbehaviour of the chain itself, whichever node is asked. */
export type ChainFault =
  /** Checks and accepts a broadcast, then loses it. */
  | { readonly kind: 'drop' }
  /** Accepts a transaction and keeps it back until so long before (negative, by default 1 ms) or after its expiration. */
  | { readonly kind: 'hold'; readonly offsetMs?: number }
  | CallFault;

/** Misbehaviour towards one contract call that is in a block. */
export type CallFault =
  /** Ends it this way without running it. */
  | { readonly kind: 'fail-call'; readonly result: ForcedResult }
  /** Runs it with at most this fee limit, sun, as if energy had become so much dearer since it was signed. */
  | { readonly kind: 'cut-fee-limit'; readonly feeLimitSun: number };

/** Misbehaviour of one node's HTTP API. */
export type NodeFault =
  /** Answers success to a broadcast without looking at it. */
  | { readonly kind: 'lie-success' }
  /** Answers a refusal to a broadcast, and with `accept` takes it nevertheless. */
  | { readonly kind: 'refuse'; readonly code: BroadcastCode; readonly accept: boolean }
  /** Waits before or after carrying out the request. */
  | {
      readonly kind: 'delay-before' | 'delay-after';
      readonly path: string;
      readonly delayMs: number;
    }
  /** Answers with this instead of the truth. */
  | { readonly kind: 'answer'; readonly path: string; readonly body: Json }
  /** Answers the truth with other amounts and payees in it; ids stay as they are. */
  | { readonly kind: 'alter'; readonly path: string }
  /** Answers as if so many of the newest solidified blocks were not there yet. */
  | { readonly kind: 'stale-solid'; readonly path: string; readonly blocks: number }
  | { readonly kind: 'http-error'; readonly path: string; readonly status: number };

/** Ways in which the chain misbehaves on request; each acts `count` times and is gone. */
export type Fault = ChainFault | NodeFault;
export type FaultKind = Fault['kind'];
type FaultOf<K extends FaultKind> = Fault & { readonly kind: K };

const RESULTS = ['REVERT', 'OUT_OF_ENERGY', 'OUT_OF_TIME'] as const;
export type ForcedResult = (typeof RESULTS)[number];

const CODES: readonly BroadcastCode[] = [
  'SIGERROR',
  'CONTRACT_VALIDATE_ERROR',
  'CONTRACT_EXE_ERROR',
  'BANDWITH_ERROR',
  'DUP_TRANSACTION_ERROR',
  'TAPOS_ERROR',
  'TOO_BIG_TRANSACTION_ERROR',
  'TRANSACTION_EXPIRATION_ERROR',
  'SERVER_BUSY',
  'OTHER_ERROR',
];

const BROADCAST = '/wallet/broadcast';
const SOLID = '/walletsolidity/';
const COUNT_MAX = 1_000_000;
const DELAY_MS_MAX = 600_000;
const OFFSET_MS_MAX = 60_000;
const FEE_LIMIT_SUN_MAX = Number(params.feeLimitMaxSun);

type Fields = { readonly json: JsonObject };
type Reader = (fields: Fields) => Fault;

const readers: Readonly<Record<FaultKind, Reader>> = {
  drop: () => ({ kind: 'drop' }),
  hold: ({ json }) => ({
    kind: 'hold',
    offsetMs: integer(json, 'offsetMs', -OFFSET_MS_MAX, OFFSET_MS_MAX, -1),
  }),
  'fail-call': ({ json }) => ({
    kind: 'fail-call',
    result: oneOf(json, 'result', RESULTS, 'OUT_OF_ENERGY'),
  }),
  'cut-fee-limit': ({ json }) => ({
    kind: 'cut-fee-limit',
    feeLimitSun: integer(json, 'feeLimitSun', 0, FEE_LIMIT_SUN_MAX, 1_000_000),
  }),
  'lie-success': () => ({ kind: 'lie-success' }),
  refuse: ({ json }) => ({
    kind: 'refuse',
    code: oneOf(json, 'code', CODES, 'SERVER_BUSY'),
    accept: json.accept === true,
  }),
  'delay-before': (fields) => delay('delay-before', fields),
  'delay-after': (fields) => delay('delay-after', fields),
  answer: ({ json }) => ({ kind: 'answer', path: pathOf(json, BROADCAST), body: json.body ?? {} }),
  alter: ({ json }) => ({ kind: 'alter', path: pathOf(json, SOLID) }),
  'stale-solid': ({ json }) => ({
    kind: 'stale-solid',
    path: pathOf(json, SOLID),
    blocks: integer(json, 'blocks', 1, COUNT_MAX, 20),
  }),
  'http-error': ({ json }) => ({
    kind: 'http-error',
    path: pathOf(json, BROADCAST),
    status: integer(json, 'status', 400, 599, 503),
  }),
};

/** Every kind of fault, in the order of the README. */
export const FAULT_KINDS = Object.keys(readers) as FaultKind[];

/** Reads a fault from a request. @throws JsonError naming the field that is wrong */
export function parseFault(json: Json): { fault: Fault; count: number } {
  const kind = isObject(json) ? FAULT_KINDS.find((known) => known === json.kind) : undefined;
  if (!isObject(json) || kind === undefined) {
    throw new JsonError(`kind must be one of ${FAULT_KINDS.join(', ')}`);
  }
  const count = integer(json, 'count', 0, COUNT_MAX, 1);
  return { fault: readers[kind]({ json }), count };
}

/** True for faults that belong to the chain and not to one of its nodes. */
export function isChainFault(fault: Fault): boolean {
  const kinds: readonly FaultKind[] = ['drop', 'hold', 'fail-call', 'cut-fee-limit'];
  return kinds.includes(fault.kind);
}

function delay(kind: 'delay-before' | 'delay-after', { json }: Fields): Fault {
  const delayMs = integer(json, 'delayMs', 0, DELAY_MS_MAX, 1_000);
  return { kind, path: pathOf(json, BROADCAST), delayMs };
}

function pathOf({ path }: JsonObject, fallback: string): string {
  if (path === undefined) return fallback;
  if (typeof path === 'string' && path.startsWith('/')) return path;
  throw new JsonError('path must be a text that starts with /');
}

function integer(json: JsonObject, name: string, min: number, max: number, fallback: number) {
  const value = json[name] ?? fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw new JsonError(`${name} must be a whole number from ${min} to ${max}`);
}

function oneOf<T extends string>(
  json: JsonObject,
  name: string,
  known: readonly T[],
  fallback: T,
): T {
  const found = known.find((each) => each === (json[name] ?? fallback));
  if (found === undefined) throw new JsonError(`${name} must be one of ${known.join(', ')}`);
  return found;
}

/** Faults that are armed, of a chain or of one of its nodes. */
export class Faults {
  private armed: { readonly fault: Fault; left: number }[] = [];

  arm(fault: Fault, count = 1): void {
    if (count > 0) this.armed.push({ fault, left: count });
  }

  clear(): void {
    this.armed = [];
  }

  get list(): readonly (Fault & { count: number })[] {
    return this.armed.map(({ fault, left }) => ({ ...fault, count: left }));
  }

  /** Uses up one fault of this kind (for this path, where it has one). */
  take<K extends FaultKind>(kind: K, path?: string): FaultOf<K> | undefined {
    const entry = this.armed.find(
      ({ fault }) =>
        fault.kind === kind && (!('path' in fault) || path?.startsWith(fault.path) === true),
    );
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left <= 0) this.armed = this.armed.filter((other) => other !== entry);
    return entry.fault as FaultOf<K>;
  }
}
