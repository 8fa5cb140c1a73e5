import type { Units } from '#libs/domain';
import type { Bundle } from './bundle.js';

const NONE = -1;
const NOTHING = new Uint8Array(0);

/** Who waits for a claim's outcome; the item is the claim's place in its request. */
export type ClaimOwner = {
  isOpen(item: number): boolean;
};

/**
 * Claims on their way to an answer, in columns: a claim is a slot, a number. A payment that climbs to
 * the top of the ladder thus makes no object of its own; its proof stays where it arrived until the
 * few that win are checked.
 *
 * Owners, proofs and bundles are references, so they are let go when the slot is freed.
 */
export class ClaimColumns<Owner extends ClaimOwner> {
  readonly row: Int32Array;
  /** One of KIND. */
  readonly kind: Uint8Array;
  readonly item: Int32Array;
  /** What the owner wants told with the outcome; the packed stream's handle. */
  readonly tag: Int32Array;
  readonly cumulativeUnits: BigInt64Array;
  /** A voucher's validity in milliseconds since 1970, a tick's index. */
  readonly detail: Float64Array;
  /** Where the proof stands in its bytes; for a bundle, the number of the entry. */
  readonly proofAt: Int32Array;
  /** The next claim of the same channel in the same flush, or -1. */
  readonly next: Int32Array;
  readonly #owners: (Owner | undefined)[];
  readonly #proofs: Uint8Array[];
  readonly #bundles: (Bundle | undefined)[];
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(readonly capacity: number) {
    this.row = new Int32Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.item = new Int32Array(capacity);
    this.tag = new Int32Array(capacity);
    this.cumulativeUnits = new BigInt64Array(capacity);
    this.detail = new Float64Array(capacity);
    this.proofAt = new Int32Array(capacity);
    this.next = new Int32Array(capacity).fill(NONE);
    this.#owners = new Array<Owner | undefined>(capacity).fill(undefined);
    this.#proofs = new Array<Uint8Array>(capacity).fill(NOTHING);
    this.#bundles = new Array<Bundle | undefined>(capacity).fill(undefined);
    this.#free = Int32Array.from({ length: capacity }, (_, at) => capacity - 1 - at);
    this.#freeCount = capacity;
  }

  /** Slots that are not taken. */
  get room(): number {
    return this.#freeCount;
  }

  /** Takes a slot; -1 when there is none. The caller fills the columns. */
  take(owner: Owner, proof: Uint8Array, bundle: Bundle | undefined): number {
    if (this.#freeCount === 0) return NONE;
    const slot = this.#free[--this.#freeCount] ?? NONE;
    this.#owners[slot] = owner;
    this.#proofs[slot] = proof;
    if (bundle !== undefined) this.#bundles[slot] = bundle;
    this.next[slot] = NONE;
    return slot;
  }

  release(slot: number): void {
    this.#owners[slot] = undefined;
    this.#proofs[slot] = NOTHING;
    if (this.#bundles[slot] !== undefined) this.#bundles[slot] = undefined;
    this.#free[this.#freeCount++] = slot;
  }

  owner(slot: number): Owner {
    return this.#owners[slot] as Owner;
  }

  bundle(slot: number): Bundle | undefined {
    return this.#bundles[slot];
  }

  isOpen(slot: number): boolean {
    return this.owner(slot).isOpen(this.item[slot] ?? 0);
  }

  units(slot: number): Units {
    return this.cumulativeUnits[slot] ?? 0n;
  }

  /** A view of a voucher's signature or a tick's preimage. */
  proof(slot: number, bytes: number): Uint8Array {
    const at = this.proofAt[slot] ?? 0;
    return (this.#proofs[slot] ?? NOTHING).subarray(at, at + bytes);
  }
}
