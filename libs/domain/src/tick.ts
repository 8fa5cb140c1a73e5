import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes } from './bytes.js';
import type { TickCommitment } from './messages.js';
import type { Units } from './money.js';

/** A hash function over 32 bytes; callers may pass a native one. */
export type Hash32 = (bytes: Uint8Array) => Uint8Array;

/**
 * True when hashing `preimage` `steps` times gives `anchor`: the check of a PayWord payment
 * (Rivest and Shamir, "PayWord and MicroMint", 1996).
 */
export function hashesForward(
  preimage: Uint8Array,
  steps: number,
  anchor: Uint8Array,
  hash: Hash32 = sha256,
): boolean {
  let value = preimage;
  for (let step = 0; step < steps; step++) value = hash(value);
  return equalBytes(value, anchor);
}

/** What a channel owes once tick `index` of its chain is revealed. */
export function tickUnits(
  commitment: Pick<TickCommitment, 'baseUnits' | 'tickValueUnits'>,
  index: bigint,
): Units {
  return commitment.baseUnits + index * commitment.tickValueUnits;
}

/**
 * The chain of a payer: element 0 is the end to commit to, element i is the preimage of tick i.
 * Takes a 32-byte seed and holds ticksMax + 1 elements of 32 bytes.
 */
export function tickChain(seed: Uint8Array, ticksMax: number, hash: Hash32 = sha256): Uint8Array[] {
  const chain = new Array<Uint8Array>(ticksMax + 1);
  let value = seed;
  for (let index = ticksMax; index >= 0; index--) {
    chain[index] = value;
    value = hash(value);
  }
  return chain;
}
