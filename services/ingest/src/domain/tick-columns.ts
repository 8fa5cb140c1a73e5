import type { TickCommitment, Units } from '#libs/domain';

const PREIMAGE_BYTES = 32;

/** Hash chains of the channels that have one, in columns; slots are numbered from 1. */
export class TickColumns {
  readonly #baseUnits: BigInt64Array;
  readonly #valueUnits: BigInt64Array;
  readonly #ticksMax: Uint32Array;
  /** The last accepted tick; of a free slot, the next free slot. */
  readonly #index: Uint32Array;
  readonly #preimage: Uint8Array;
  #used = 0;
  #firstFree = 0;

  constructor(slotsMax: number) {
    this.#baseUnits = new BigInt64Array(slotsMax + 1);
    this.#valueUnits = new BigInt64Array(slotsMax + 1);
    this.#ticksMax = new Uint32Array(slotsMax + 1);
    this.#index = new Uint32Array(slotsMax + 1);
    this.#preimage = new Uint8Array((slotsMax + 1) * PREIMAGE_BYTES);
  }

  /** A slot for a chain of which no tick is known to be paid. */
  add(commitment: TickCommitment): number {
    const slot = this.#firstFree === 0 ? ++this.#used : this.#firstFree;
    if (slot === this.#firstFree) this.#firstFree = this.#index[slot] ?? 0;
    this.#set(slot, commitment);
    return slot;
  }

  /** Takes the later chain of a channel, told by its higher base; an earlier one changes nothing. */
  replace(slot: number, commitment: TickCommitment): void {
    if (commitment.baseUnits > this.baseUnits(slot)) this.#set(slot, commitment);
  }

  remove(slot: number): void {
    this.#index[slot] = this.#firstFree;
    this.#firstFree = slot;
  }

  /** Notes the last accepted tick; earlier ones change nothing. */
  advance(slot: number, index: number, preimage: Uint8Array): void {
    if (index <= this.index(slot)) return;
    this.#index[slot] = index;
    this.#preimage.set(preimage, slot * PREIMAGE_BYTES);
  }

  baseUnits(slot: number): Units {
    return this.#baseUnits[slot] ?? 0n;
  }

  valueUnits(slot: number): Units {
    return this.#valueUnits[slot] ?? 0n;
  }

  ticksMax(slot: number): number {
    return this.#ticksMax[slot] ?? 0;
  }

  index(slot: number): number {
    return this.#index[slot] ?? 0;
  }

  preimage(slot: number): Uint8Array {
    return this.#preimage.subarray(slot * PREIMAGE_BYTES, (slot + 1) * PREIMAGE_BYTES);
  }

  #set(slot: number, commitment: TickCommitment): void {
    this.#baseUnits[slot] = commitment.baseUnits;
    this.#valueUnits[slot] = commitment.tickValueUnits;
    this.#ticksMax[slot] = Number(commitment.ticksMax);
    this.#index[slot] = 0;
    this.#preimage.set(commitment.chainEnd, slot * PREIMAGE_BYTES);
  }
}
