import { isObject, type Json, JsonError } from '../codec/json.js';

/** Ways in which the chain misbehaves on request; each acts `count` times and is gone. */
export type Fault =
  | { readonly kind: 'drop' | 'hold' | 'lie-success' }
  | { readonly kind: 'fail-call'; readonly result: ForcedResult }
  /** Waits before or after carrying out the request. */
  | {
      readonly kind: 'delay-before' | 'delay-after';
      readonly path: string;
      readonly delayMs: number;
    }
  /** Answers with this instead of the truth. */
  | { readonly kind: 'answer'; readonly path: string; readonly body: Json }
  | { readonly kind: 'http-error'; readonly path: string; readonly status: number };
export type FaultKind = Fault['kind'];
type FaultOf<K extends FaultKind> = Fault & { readonly kind: K };
export type ForcedResult = 'REVERT' | 'OUT_OF_ENERGY' | 'OUT_OF_TIME';

const kinds: readonly FaultKind[] = [
  'drop',
  'hold',
  'lie-success',
  'fail-call',
  'delay-before',
  'delay-after',
  'http-error',
  'answer',
];
const COUNT_MAX = 1_000_000;
const DELAY_MS_MAX = 600_000;

const numberIn = (value: unknown, fallback: number, max: number): number =>
  typeof value === 'number' && value >= 0 && value <= max ? Math.trunc(value) : fallback;

/** Reads a fault from a request. @throws JsonError */
export function parseFault(json: Json): { fault: Fault; count: number } {
  const kind = isObject(json) ? kinds.find((known) => known === json.kind) : undefined;
  if (!isObject(json) || kind === undefined) {
    throw new JsonError(`kind must be one of ${kinds.join(', ')}`);
  }
  const count = numberIn(json.count, 1, COUNT_MAX);
  const path = typeof json.path === 'string' ? json.path : '/wallet/broadcasttransaction';
  switch (kind) {
    case 'fail-call': {
      const results: readonly ForcedResult[] = ['REVERT', 'OUT_OF_ENERGY', 'OUT_OF_TIME'];
      const result = results.find((known) => known === json.result) ?? 'OUT_OF_ENERGY';
      return { fault: { kind, result }, count };
    }
    case 'delay-before':
    case 'delay-after': {
      const delayMs = numberIn(json.delayMs, 1_000, DELAY_MS_MAX);
      return { fault: { kind, path, delayMs }, count };
    }
    case 'answer':
      return { fault: { kind, path, body: json.body ?? {} }, count };
    case 'http-error':
      return { fault: { kind, path, status: numberIn(json.status, 503, 599) }, count };
    default:
      return { fault: { kind }, count };
  }
}

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
