import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256, verify } from '#libs/crypto';
import {
  addressFromBytes,
  type BundleLeaf,
  bundleRoot,
  Digests,
  hashesForward,
  LIMITS,
  type SigningDomain,
} from '#libs/domain';
import type { ProofBatch, ProofVerifier } from './proof-verifier.js';

// About 3 ms: everything else gets its turn between two slices.
const SLICE_PROOFS = 64;
const INT64_MAX = 2n ** 63n - 1n;

type Proof = () => boolean;
type Bundle = { readonly count: number; readonly leaves: BundleLeaf[] };

/**
 * The plain form of the verifier: it checks on the event loop, by the functions that clients sign with.
 * It is what the fast form is compared with, and what tests run where threads would only be in the way.
 */
export class EventLoopVerifier implements ProofVerifier {
  readonly #digests: Digests;

  constructor(domain: SigningDomain) {
    this.#digests = new Digests(domain);
  }

  batch(): ProofBatch {
    return new PlainProofBatch(this.#digests);
  }

  async verify(batch: ProofBatch): Promise<Uint8Array> {
    if (!(batch instanceof PlainProofBatch)) throw new TypeError('not a batch of this verifier');
    const results = new Uint8Array(batch.size);
    for (const [item, holds] of batch.proofs.entries()) {
      results[item] = holds() ? 1 : 0;
      if (item % SLICE_PROOFS === SLICE_PROOFS - 1) await nextTurn();
    }
    return results;
  }

  async close(): Promise<void> {}
}

class PlainProofBatch implements ProofBatch {
  readonly #digests: Digests;
  proofs: Proof[] = [];
  #bundle: Bundle | undefined;

  constructor(digests: Digests) {
    this.#digests = digests;
  }

  get size(): number {
    return this.proofs.length;
  }

  addVoucher(
    signerKey: Uint8Array,
    channelId: Uint8Array,
    payee: Uint8Array,
    cumulativeUnits: bigint,
    validUntilMs: bigint,
    signature: Uint8Array,
  ): void {
    const [key, id, to, signed] = copies(signerKey, channelId, payee, signature);
    this.proofs.push(() => {
      if (!isKey(key) || id.length !== 32 || to.length !== 20) return false;
      if (!isInt64(cumulativeUnits) || !isInt64(validUntilMs)) return false;
      const voucher = { channelId: id, payee: addressFromBytes(to), cumulativeUnits, validUntilMs };
      return verify(this.#digests.voucher(voucher), signed, key);
    });
  }

  addTick(preimage: Uint8Array, steps: number, anchor: Uint8Array): void {
    const [from, to] = copies(preimage, anchor);
    this.proofs.push(
      () =>
        from.length === 32 &&
        isCount(steps, LIMITS.tickStepsMax) &&
        hashesForward(from, steps, to, sha256),
    );
  }

  addBundle(
    signerKey: Uint8Array,
    validUntilMs: bigint,
    signature: Uint8Array,
    count: number,
  ): void {
    const leaves: BundleLeaf[] = [];
    const [key, signed] = copies(signerKey, signature);
    this.#bundle = { count, leaves };
    this.proofs.push(() => {
      if (!isKey(key) || !isInt64(validUntilMs) || !isCount(count, LIMITS.bundleEntriesMax))
        return false;
      const areFormed = leaves.every(
        ({ channelId, cumulativeUnits }) => channelId.length === 32 && isInt64(cumulativeUnits),
      );
      if (!areFormed || leaves.length !== count) return false;
      const root = bundleRoot(leaves, sha256);
      return verify(this.#digests.bundle({ root, count, validUntilMs }), signed, key);
    });
  }

  addBundleEntry(channelId: Uint8Array, cumulativeUnits: bigint): void {
    const { count, leaves } = this.#bundle ?? { count: 0, leaves: [] };
    if (leaves.length >= count) throw new Error('more entries than the bundle was said to have');
    leaves.push({ channelId: channelId.slice(), cumulativeUnits });
  }

  reset(): void {
    this.proofs = [];
    this.#bundle = undefined;
  }
}

function copies<const Arrays extends readonly Uint8Array[]>(
  ...arrays: Arrays
): { -readonly [At in keyof Arrays]: Uint8Array } {
  return arrays.map((bytes) => bytes.slice()) as { -readonly [At in keyof Arrays]: Uint8Array };
}

// One key has one spelling here, the one that `parsePublicKey` makes.
function isKey(bytes: Uint8Array): boolean {
  return bytes.length === 65 && bytes[0] === 4;
}

function isInt64(value: bigint): boolean {
  return value >= 0n && value <= INT64_MAX;
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}
