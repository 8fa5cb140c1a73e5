import { LIMITS } from '#libs/domain';
import {
  ADDRESS_BYTES,
  BUNDLE,
  CHUNK_COST,
  CONTROL,
  COST,
  ENTRY_BYTES,
  HASH_BYTES,
  KEY_BYTES,
  MALFORMED_BYTES,
  PROOF,
  type SharedProofs,
  SIGNATURE_BYTES,
  TICK,
  VOUCHER,
} from './proof-layout.js';
import type { ProofBatch } from './proof-verifier.js';

const INT64_MAX = 2n ** 63n - 1n;
const BYTES_AT_FIRST = 64 * 1024;
const UNCOMPRESSED = 4;

/** A batch as bytes, cut into chunks of like cost while it fills. */
export class PackedProofBatch implements ProofBatch {
  #bytes = new Uint8Array(BYTES_AT_FIRST);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #size = 0;
  // First item and first byte of each chunk.
  readonly #chunks: number[] = [];
  #costLeft = 0;
  #bundleAt = 0;
  #entriesDue = 0;
  // False while the entries of a malformed bundle go by.
  #keepsEntries = true;
  #shared: SharedProofs | undefined;
  #busy = false;

  get size(): number {
    return this.#size;
  }

  /** How many chunks there are: more workers than that find nothing to do. */
  get chunks(): number {
    return this.#chunks.length / 2;
  }

  addVoucher(
    signerKey: Uint8Array,
    channelId: Uint8Array,
    payee: Uint8Array,
    cumulativeUnits: bigint,
    validUntilMs: bigint,
    signature: Uint8Array,
  ): void {
    const formed =
      isKey(signerKey) &&
      channelId.length === HASH_BYTES &&
      payee.length === ADDRESS_BYTES &&
      isInt64(cumulativeUnits) &&
      isInt64(validUntilMs) &&
      signature.length === SIGNATURE_BYTES;
    if (!formed) {
      this.#addMalformed();
      return;
    }
    const at = this.#begin(PROOF.voucher, VOUCHER.bytes, COST.signature);
    const bytes = this.#bytes;
    bytes.set(signerKey, at + VOUCHER.key);
    bytes.set(signature, at + VOUCHER.signature);
    bytes.set(channelId, at + VOUCHER.channelId);
    bytes.set(payee, at + VOUCHER.payee);
    this.#view.setBigInt64(at + VOUCHER.cumulative, cumulativeUnits);
    this.#view.setBigInt64(at + VOUCHER.validUntil, validUntilMs);
  }

  addTick(preimage: Uint8Array, steps: number, anchor: Uint8Array): void {
    const formed =
      preimage.length === HASH_BYTES &&
      anchor.length === HASH_BYTES &&
      isCount(steps, LIMITS.tickStepsMax);
    if (!formed) {
      this.#addMalformed();
      return;
    }
    const at = this.#begin(PROOF.tick, TICK.bytes, steps);
    this.#view.setUint32(at + TICK.steps, steps);
    this.#bytes.set(preimage, at + TICK.preimage);
    this.#bytes.set(anchor, at + TICK.anchor);
  }

  addBundle(
    signerKey: Uint8Array,
    validUntilMs: bigint,
    signature: Uint8Array,
    count: number,
  ): void {
    const counted = isCount(count, LIMITS.bundleEntriesMax);
    const formed =
      counted && isKey(signerKey) && isInt64(validUntilMs) && signature.length === SIGNATURE_BYTES;
    if (!formed) this.#addMalformed();
    else {
      const bytes = BUNDLE.bytes + count * ENTRY_BYTES;
      const at = this.#begin(PROOF.bundle, bytes, COST.signature + count * COST.entry);
      this.#bundleAt = at;
      this.#view.setUint16(at + BUNDLE.count, count);
      this.#bytes.set(signerKey, at + BUNDLE.key);
      this.#bytes.set(signature, at + BUNDLE.signature);
      this.#view.setBigInt64(at + BUNDLE.validUntil, validUntilMs);
    }
    this.#keepsEntries = formed;
    this.#entriesDue = Number.isInteger(count) && count > 0 ? count : 0;
  }

  addBundleEntry(channelId: Uint8Array, cumulativeUnits: bigint): void {
    if (this.#entriesDue === 0) throw new Error('more entries than the bundle was said to have');
    this.#entriesDue--;
    if (!this.#keepsEntries) return;
    if (channelId.length !== HASH_BYTES || !isInt64(cumulativeUnits)) {
      this.#spoilBundle();
      return;
    }
    const at = this.#end - (this.#entriesDue + 1) * ENTRY_BYTES;
    this.#bytes.set(channelId, at);
    this.#view.setBigInt64(at + HASH_BYTES, cumulativeUnits);
  }

  reset(): void {
    if (this.#busy) throw new Error('the batch is being verified');
    this.#end = 0;
    this.#size = 0;
    this.#chunks.length = 0;
    this.#costLeft = 0;
    this.#entriesDue = 0;
  }

  /**
   * Copies the batch into shared memory and publishes it to whoever knows that memory. From then on the
   * batch must not change until `release`. `job` is what the worker that closes the batch will name.
   */
  share(job: number): SharedProofs {
    if (this.#busy) throw new Error('the batch is being verified already');
    this.#assertWhole();
    const shared = this.#room();
    shared.bytes.set(this.#bytes.subarray(0, this.#end));
    shared.chunks.set(this.#chunks);
    shared.chunks.set([this.#size, this.#end], this.#chunks.length);
    shared.results.fill(0, 0, this.#size);
    this.#busy = true;
    Atomics.store(shared.control, CONTROL.job, job);
    Atomics.store(shared.control, CONTROL.open, this.chunks);
    Atomics.store(shared.control, CONTROL.left, this.chunks);
    return shared;
  }

  /** Gives the results out. */
  release(): Uint8Array {
    this.#busy = false;
    return this.#shared?.results.subarray(0, this.#size) ?? new Uint8Array(0);
  }

  /** Leaves the shared memory behind, since workers may still write to it; they find nothing more in it. */
  abandon(): void {
    this.#busy = false;
    if (this.#shared !== undefined) Atomics.store(this.#shared.control, CONTROL.left, 0);
    this.#shared = undefined;
  }

  #assertWhole(): void {
    if (this.#entriesDue > 0) throw new Error('the last bundle lacks entries');
  }

  // Starts an item and says where it lies.
  #begin(kind: number, bytes: number, cost: number): number {
    if (this.#busy) throw new Error('the batch is being verified');
    this.#assertWhole();
    const at = this.#end;
    if (this.#costLeft <= 0) {
      this.#chunks.push(this.#size, at);
      this.#costLeft = CHUNK_COST;
    }
    this.#costLeft -= cost + COST.item;
    this.#end += bytes;
    this.#size++;
    if (this.#end > this.#bytes.length) this.#grow();
    this.#bytes[at] = kind;
    return at;
  }

  #addMalformed(): void {
    this.#begin(PROOF.malformed, MALFORMED_BYTES, 0);
  }

  // The bundle that was begun last becomes a malformed item, its bytes are given back.
  #spoilBundle(): void {
    this.#keepsEntries = false;
    this.#bytes[this.#bundleAt] = PROOF.malformed;
    this.#end = this.#bundleAt + MALFORMED_BYTES;
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#end);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  // The shared memory of the last time where it is large enough, else a larger one.
  #room(): SharedProofs {
    const chunkWords = this.#chunks.length + 2;
    const known = this.#shared;
    const fits =
      known !== undefined &&
      known.bytes.length >= this.#end &&
      known.results.length >= this.#size &&
      known.chunks.length >= chunkWords;
    if (fits) return known;
    const words = CONTROL.words + 2 * chunkWords;
    const memory = new SharedArrayBuffer(4 * words + 2 * this.#size + this.#bytes.length);
    this.#shared = {
      control: new Int32Array(memory, 0, CONTROL.words),
      chunks: new Uint32Array(memory, 4 * CONTROL.words, 2 * chunkWords),
      results: new Uint8Array(memory, 4 * words, 2 * this.#size),
      bytes: new Uint8Array(memory, 4 * words + 2 * this.#size),
    };
    return this.#shared;
  }
}

function isKey(bytes: Uint8Array): boolean {
  return bytes.length === KEY_BYTES && bytes[0] === UNCOMPRESSED;
}

function isInt64(value: bigint): boolean {
  return value >= 0n && value <= INT64_MAX;
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}
