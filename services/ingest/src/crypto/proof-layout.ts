/**
 * How proofs lie in the memory that the event loop fills and the workers read: one after the other, each
 * with its kind first, without padding. Numbers are big-endian, as they are signed.
 */
export const PROOF = { malformed: 0, voucher: 1, tick: 2, bundle: 3 } as const;

export const KEY_BYTES = 65;
export const SIGNATURE_BYTES = 64;
export const HASH_BYTES = 32;
export const ADDRESS_BYTES = 20;

/** Malformed: its kind only, so that the item keeps its number. */
export const MALFORMED_BYTES = 1;

/** kind u8, payer's key 65, signature 64, channel id 32, payee 20, cumulative i64, validUntilMs i64. */
export const VOUCHER = {
  key: 1,
  signature: 66,
  channelId: 130,
  payee: 162,
  cumulative: 182,
  validUntil: 190,
  bytes: 198,
} as const;

/** kind u8, steps u32, preimage 32, anchor 32. */
export const TICK = { steps: 1, preimage: 5, anchor: 37, bytes: 69 } as const;

/** kind u8, count u16, payer's key 65, signature 64, validUntilMs i64; then `count` entries. */
export const BUNDLE = { count: 1, key: 3, signature: 68, validUntil: 132, bytes: 140 } as const;

/** channel id 32, cumulative i64: just what a leaf of the tree hashes. */
export const ENTRY_BYTES = 40;

/**
 * What a check costs, in SHA-256 compressions of about 0.26 µs. Only the relations matter: they make
 * chunks that keep workers busy for equally long.
 */
export const COST = { signature: 200, entry: 3, item: 1 } as const;

/** A chunk is closed at this cost, eight signatures or 0.4 ms: the most that one worker waits for another. */
export const CHUNK_COST = 8 * COST.signature;

/**
 * One batch as workers see it; all arrays are views of shared memory. `chunks` holds two numbers per
 * chunk, its first item and that item's place in `bytes`, and one pair more for the end.
 */
export type SharedProofs = {
  readonly control: Int32Array;
  readonly chunks: Uint32Array;
  readonly bytes: Uint8Array;
  /** 1 = holds, by item. */
  readonly results: Uint8Array;
};

/**
 * Words of `control`. Workers count `left` down to claim a chunk and `open` once it is checked. A worker
 * that comes late finds `left` at or below 0, however the memory is reused meanwhile: one store
 * publishes a batch, so there is no moment in which a claim could be lost. The same worker may then find
 * the chunks of a later batch; `job` names the batch that the memory holds now.
 */
export const CONTROL = { left: 0, open: 1, job: 2, words: 3 } as const;
