import { createKeccak } from 'hash-wasm';
import { verify } from '#libs/crypto';
import { domainSeparator, equalBytes, type SigningDomain } from '#libs/domain';
import { BlockHasher } from './block-hasher.js';
import { DigestWriter } from './digest-writer.js';
import {
  BUNDLE,
  CONTROL,
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

/** Checks the proofs of shared batches on the thread that it lives in. */
export class ProofChecker {
  readonly #digests: DigestWriter;
  readonly #hasher = new BlockHasher();
  // The chunk in memory of this thread: native code never reads bytes that another thread may write.
  #own = new Uint8Array(4096);
  #at = 0;

  static async create(domain: SigningDomain): Promise<ProofChecker> {
    return new ProofChecker(new DigestWriter(await createKeccak(256), domainSeparator(domain)));
  }

  private constructor(digests: DigestWriter) {
    this.#digests = digests;
  }

  /**
   * Checks chunks until none is left. Returns the job that this call closed, all of whose results stand
   * then; undefined when another thread closes it.
   */
  check(proofs: SharedProofs): number | undefined {
    const { control } = proofs;
    for (;;) {
      const left = Atomics.sub(control, CONTROL.left, 1);
      if (left <= 0) return undefined;
      this.#checkChunk(proofs, left - 1);
      if (Atomics.sub(control, CONTROL.open, 1) === 1) return Atomics.load(control, CONTROL.job);
    }
  }

  #checkChunk({ chunks, bytes, results }: SharedProofs, chunk: number): void {
    const [item = 0, start = 0, itemsEnd = 0, end = 0] = chunks.subarray(2 * chunk, 2 * chunk + 4);
    if (this.#own.length < end - start) this.#own = new Uint8Array(2 * (end - start));
    this.#own.set(bytes.subarray(start, end));
    this.#at = 0;
    for (let at = item; at < itemsEnd; at++) results[at] = this.#next() ? 1 : 0;
  }

  #next(): boolean {
    const at = this.#at;
    switch (this.#own[at]) {
      case PROOF.voucher:
        this.#at += VOUCHER.bytes;
        return this.#holdsVoucher(at);
      case PROOF.tick:
        this.#at += TICK.bytes;
        return this.#holdsTick(at);
      case PROOF.bundle:
        return this.#holdsBundle(at);
      case PROOF.malformed:
        this.#at += MALFORMED_BYTES;
        return false;
      default:
        throw new Error('the batch is damaged: there is no such kind of proof');
    }
  }

  #holdsVoucher(at: number): boolean {
    const digest = this.#digests.voucher(this.#own, at);
    return verify(
      digest,
      this.#slice(at + VOUCHER.signature, SIGNATURE_BYTES),
      this.#slice(at + VOUCHER.key, KEY_BYTES),
    );
  }

  #holdsTick(at: number): boolean {
    const steps = this.#number(at + TICK.steps, 4);
    const end = this.#hasher.forward(this.#slice(at + TICK.preimage, HASH_BYTES), steps);
    return equalBytes(end, this.#slice(at + TICK.anchor, HASH_BYTES));
  }

  #holdsBundle(at: number): boolean {
    const count = this.#number(at + BUNDLE.count, 2);
    const entries = this.#slice(at + BUNDLE.bytes, count * ENTRY_BYTES);
    this.#at += BUNDLE.bytes + entries.length;
    const digest = this.#digests.bundle(this.#own, at, this.#hasher.root(entries, count));
    return verify(
      digest,
      this.#slice(at + BUNDLE.signature, SIGNATURE_BYTES),
      this.#slice(at + BUNDLE.key, KEY_BYTES),
    );
  }

  #slice(at: number, length: number): Uint8Array {
    return this.#own.subarray(at, at + length);
  }

  #number(at: number, length: number): number {
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + (this.#own[at + i] ?? 0);
    return value;
  }
}
