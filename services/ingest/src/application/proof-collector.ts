import type { ProofBatch, ProofVerifier } from '../crypto/proof-verifier.js';
import type { Bundle } from '../domain/bundle.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { KIND, tickCost } from '../domain/claim.js';
import type { Claims } from './claims.js';

const SIGNATURE_BYTES = 64;
const PREIMAGE_BYTES = 32;

/** Collects the proofs of some claims, a bundle's once, and tells of each claim whether its proof holds. */
export class ProofCollector {
  readonly #batch: ProofBatch;
  readonly #bundles = new Map<Bundle, number>();
  /** Place of each asked claim's proof in the batch. */
  readonly #places: number[] = [];
  #results: Uint8Array = new Uint8Array(0);

  constructor(
    private readonly table: ChannelTable,
    private readonly claims: Claims,
    private readonly verifier: ProofVerifier,
  ) {
    this.#batch = verifier.batch();
  }

  clear(): void {
    this.#batch.reset();
    this.#bundles.clear();
    this.#places.length = 0;
  }

  /** Asks for a claim's proof; the answer stands under the number that this returns. */
  ask(slot: number): number {
    const bundle = this.claims.columns.bundle(slot);
    const place = bundle === undefined ? this.#add(slot) : this.#addBundle(bundle);
    return this.#places.push(place) - 1;
  }

  /** Checks all that was asked. Rejects as {@link ProofVerifier.verify} does. */
  async check(): Promise<void> {
    this.#results =
      this.#batch.size === 0 ? this.#results : await this.verifier.verify(this.#batch);
    for (const [bundle, place] of this.#bundles) {
      bundle.verdict = this.#results[place] === 1 ? 'holds' : 'fails';
    }
  }

  /** Whether the proof asked for under this number holds. */
  holds(question: number): boolean {
    return this.#results[this.#places[question] ?? -1] === 1;
  }

  /** What a claim's check costs, in signature checks. */
  cost(slot: number): number {
    const { columns } = this.claims;
    return columns.kind[slot] === KIND.tick ? tickCost(this.#steps(slot)) : 1;
  }

  // None for a tick of a chain that was replaced since: it proves nothing under the present one, where
  // its index would stand for another amount.
  #steps(slot: number): number {
    const { columns } = this.claims;
    const row = this.claims.row(slot);
    const index = columns.detail[slot] ?? 0;
    if (this.table.tickUnits(row, index) !== columns.units(slot)) return 0;
    return index - this.table.tickIndex(row);
  }

  #add(slot: number): number {
    const { table } = this;
    const { columns } = this.claims;
    const row = this.claims.row(slot);
    const place = this.#batch.size;
    if (columns.kind[slot] === KIND.tick) {
      this.#batch.addTick(
        columns.proof(slot, PREIMAGE_BYTES),
        this.#steps(slot),
        table.tickPreimage(row),
      );
    } else {
      this.#batch.addVoucher(
        table.signerKey(row),
        table.id(row),
        table.payeeBytes(row),
        columns.units(slot),
        BigInt(columns.detail[slot] ?? 0),
        columns.proof(slot, SIGNATURE_BYTES),
      );
    }
    return place;
  }

  #addBundle(bundle: Bundle): number {
    const known = this.#bundles.get(bundle);
    if (known !== undefined) return known;
    const place = this.#batch.size;
    const { signerKey, validUntilMs, signature, count } = bundle;
    this.#batch.addBundle(signerKey, validUntilMs, signature, count);
    for (let at = 0; at < count; at++) {
      this.#batch.addBundleEntry(bundle.id(at), bundle.cumulativeUnits[at] ?? 0n);
    }
    this.#bundles.set(bundle, place);
    return place;
  }
}
