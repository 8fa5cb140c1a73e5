/**
 * Proofs to be checked together. Items are numbered from 0 in the order of adding: a voucher, a tick
 * and a bundle are one item each, the entries of a bundle are none.
 *
 * Whatever has a wrong length or an amount outside 0 … 2⁶³ − 1 is taken and does not hold; nothing that
 * a client sent makes adding throw. All bytes are copied, so that callers may reuse theirs.
 */
export type ProofBatch = {
  /** Items added since the last reset. */
  readonly size: number;
  /** The payer's signature (64 bytes) under the voucher's TIP-712 digest; key 65, channel 32, payee 20 bytes. */
  addVoucher(
    signerKey: Uint8Array,
    channelId: Uint8Array,
    payee: Uint8Array,
    cumulativeUnits: bigint,
    validUntilMs: bigint,
    signature: Uint8Array,
  ): void;
  /** Hashing `preimage` `steps` times (1 … LIMITS.tickStepsMax) must give `anchor`; 32 bytes both. */
  addTick(preimage: Uint8Array, steps: number, anchor: Uint8Array): void;
  /** One signature over `count` entries; exactly so many `addBundleEntry` follow before the next item. */
  addBundle(
    signerKey: Uint8Array,
    validUntilMs: bigint,
    signature: Uint8Array,
    count: number,
  ): void;
  /** The next leaf of the bundle added last. */
  addBundleEntry(channelId: Uint8Array, cumulativeUnits: bigint): void;
  /** Empties the batch for reuse. Not while it is being verified: throws then. */
  reset(): void;
};

/** Checks proofs off the event loop (or on it, in the plain form). */
export type ProofVerifier = {
  /** A new, empty batch. Keep it and reset it: it holds its memory. */
  batch(): ProofBatch;
  /**
   * Resolves with one byte per item, 1 = the proof holds, 0 = it does not; valid until the batch is
   * reset. Rejects with VerifierUnavailableError when nothing is known of any item, because a worker
   * died or the verifier is closed: nobody's proof failed, and the claims may be sent again.
   * Several batches may be under way at once; the same batch may not.
   */
  verify(batch: ProofBatch): Promise<Uint8Array>;
  /** Lets batches under way end, then stops the workers. */
  close(): Promise<void>;
};

/** No proof of the batch was judged. */
export class VerifierUnavailableError extends Error {
  override readonly name = 'VerifierUnavailableError';
}
