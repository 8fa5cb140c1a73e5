import { type CorpusPlan, groupsOfStream, groupsPerFrame } from './plan.js';

/** Exponent of Zipf's law: the usual one of request popularity. */
const ZIPF_EXPONENT = 1;

/** A small generator of numbers in [0, 1), the same everywhere for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The groups of each frame of one stream, in order. A frame never has a group twice. */
export class Draws {
  readonly #frame: Uint32Array;
  readonly #groups: number;
  readonly #pick: () => number;
  // The frame that last had the group, so that a second draw in the same frame is seen.
  readonly #seenIn: Uint32Array;
  #frames = 0;

  constructor(plan: CorpusPlan, stream: number) {
    this.#groups = groupsOfStream(plan);
    this.#frame = new Uint32Array(groupsPerFrame(plan));
    this.#seenIn = new Uint32Array(this.#groups);
    this.#pick = pickerOf(plan, this.#groups, stream);
  }

  /** The groups of the next frame; the array is used again by the next call. */
  next(): Uint32Array {
    this.#frames += 1;
    for (let at = 0; at < this.#frame.length; ) {
      const group = this.#pick();
      if (this.#seenIn[group] === this.#frames) continue;
      this.#seenIn[group] = this.#frames;
      this.#frame[at++] = group;
    }
    return this.#frame;
  }
}

function pickerOf(plan: CorpusPlan, groups: number, stream: number): () => number {
  const random = randomOf(stream * 7_919 + plan.channels);
  switch (plan.choice) {
    case 'round-robin': {
      let turn = 0;
      return () => turn++ % groups;
    }
    case 'uniform':
      return () => Math.floor(random() * groups);
    case 'zipf': {
      const upTo = zipfTable(groups);
      return () => firstAbove(upTo, random() * (upTo[groups - 1] ?? 0));
    }
  }
}

function zipfTable(groups: number): Float64Array {
  const upTo = new Float64Array(groups);
  let sum = 0;
  for (let rank = 0; rank < groups; rank++) {
    sum += 1 / (rank + 1) ** ZIPF_EXPONENT;
    upTo[rank] = sum;
  }
  return upTo;
}

function firstAbove(upTo: Float64Array, value: number): number {
  let [low, high] = [0, upTo.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((upTo[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
