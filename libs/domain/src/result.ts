import type { Reason } from './reasons.js';

/** An expected failure: a stable reason and a sentence for people. */
export type Refusal = { readonly ok: false; readonly reason: Reason; readonly detail: string };

/** What a use case returns: a value, or the reason why not. Exceptions are for bugs and dead infrastructure. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refusal;

/** Wraps a value as a success. */
export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** Makes a refusal. */
export function refuse(reason: Reason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
