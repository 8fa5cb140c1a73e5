import type { Units } from './money.js';
import type { Hash32 } from './tick.js';

/** Largest sum that a node can tell. */
export const SUM_MAX = 2n ** 64n - 1n;
/** First byte of a node that is hashed; leaves have others. */
export const NODE_PREFIX = 0x01;
/** Bytes of a hash. */
export const HASH_BYTES = 32;
/** Bytes of a sum. */
export const SUM_BYTES = 8;
/** A node as its parent sees it: hash and sum. */
export const CHILD_BYTES = HASH_BYTES + SUM_BYTES;
const PAIR_BYTES = 1 + 2 * CHILD_BYTES;
/** By so many first bytes leaves are put in order; few leaves need one only. */
const MANY_NODES = 50_000;
const CAPACITY_FIRST = 1_024;
/** Nodes that are hashed before `climb` lets others work. */
const NODES_PER_TURN = 4_096;
/** Sides of a sibling in a proof. */
export const SIDE = { left: 0, right: 1 } as const;

/** Hashes and sums of one level of a Merkle-sum tree, 40 bytes a node. */
export class SumLevel {
  #bytes: Uint8Array;
  #view: DataView;
  #count = 0;

  constructor(capacity = CAPACITY_FIRST) {
    this.#bytes = new Uint8Array(Math.max(capacity, 1) * CHILD_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Appends a node. Throws a RangeError for a sum that is negative or beyond 64 bits. */
  add(hash: Uint8Array, units: Units): void {
    if (units < 0n || units > SUM_MAX) throw new RangeError('a sum of a tree leaves 64 bits');
    const at = this.#room();
    this.#bytes.set(hash, at);
    this.#view.setBigUint64(at + HASH_BYTES, units);
  }

  /** Appends a node as it stands in another level. */
  addChild(child: Uint8Array): void {
    this.#bytes.set(child, this.#room());
  }

  /** Hash and sum of a node; not a copy. */
  childAt(place: number): Uint8Array {
    return this.slice(place, place + 1);
  }

  /** Hashes and sums of neighbours; not a copy. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from * CHILD_BYTES, Math.min(to, this.#count) * CHILD_BYTES);
  }

  hashAt(place: number): Uint8Array {
    return this.childAt(place).subarray(0, HASH_BYTES);
  }

  sumAt(place: number): Units {
    return this.#view.getBigUint64(place * CHILD_BYTES + HASH_BYTES);
  }

  /** The same nodes by their hashes. These are evenly spread, so those that begin alike are few. */
  sorted(): SumLevel {
    const shift = this.#count > MANY_NODES ? 0 : 8;
    const bucketOf = (place: number) => this.#view.getUint16(place * CHILD_BYTES) >>> shift;
    const ends = new Uint32Array(65_536 >>> shift);
    for (let at = 0; at < this.#count; at++) raise(ends, bucketOf(at), 1);
    for (let at = 1; at < ends.length; at++) raise(ends, at, ends[at - 1] ?? 0);
    const places = new Uint32Array(this.#count);
    const starts = ends.slice();
    for (let at = 0; at < this.#count; at++) places[raise(starts, bucketOf(at), -1)] = at;
    for (let bucket = 0; bucket < ends.length; bucket++) {
      const few = places.subarray(starts[bucket], ends[bucket]);
      if (few.length > 1) few.sort((a, b) => Buffer.compare(this.hashAt(a), this.hashAt(b)));
    }
    const sorted = new SumLevel(this.#count);
    for (const at of places) sorted.addChild(this.childAt(at));
    return sorted;
  }

  /** Where a hash stands in a sorted level, or undefined. */
  find(hash: Uint8Array): number | undefined {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.hashAt(middle), hash) < 0) low = middle + 1;
      else high = middle;
    }
    return low < this.#count && Buffer.compare(this.hashAt(low), hash) === 0 ? low : undefined;
  }

  #room(): number {
    const at = this.#count * CHILD_BYTES;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#count += 1;
    return at;
  }
}

/**
 * Puts the levels above a sorted one, the root last, into `levels`. Yields now and then, so that who builds a
 * large tree can let others work. Throws a RangeError when a sum leaves 64 bits.
 */
export function* climb(levels: SumLevel[], hash: Hash32): Generator<void> {
  for (let below = levels.at(-1); below !== undefined && below.count > 1; ) {
    const above = new SumLevel(Math.ceil(below.count / 2));
    const pair = new Uint8Array(PAIR_BYTES);
    pair[0] = NODE_PREFIX;
    for (let left = 0; left < below.count; left += 2) {
      if (left + 1 === below.count) {
        above.addChild(below.childAt(left));
        continue;
      }
      pair.set(below.slice(left, left + 2), 1);
      above.add(hash(pair), below.sumAt(left) + below.sumAt(left + 1));
      if (above.count % NODES_PER_TURN === 0) yield;
    }
    levels.push(above);
    below = above;
  }
}

/** Places of the siblings of a node, by level from its own up; undefined where it has none. */
export function siblingsOf(place: number, counts: readonly number[]): (number | undefined)[] {
  return counts.slice(0, -1).map((count, level) => {
    const sibling = Math.floor(place / 2 ** level) ^ 1;
    return sibling < count ? sibling : undefined;
  });
}

/** Number of nodes of each level over so many leaves, leaves first. */
export function levelCounts(leaves: number): number[] {
  const counts = [leaves];
  for (let count = leaves; count > 1; ) {
    count = Math.ceil(count / 2);
    counts.push(count);
  }
  return counts;
}

/** One step of a proof: on which side the sibling is, and its hash and sum. */
export function proofStep(siblingPlace: number, sibling: Uint8Array): Uint8Array {
  const step = new Uint8Array(1 + CHILD_BYTES);
  step[0] = siblingPlace % 2 === 0 ? SIDE.left : SIDE.right;
  step.set(sibling, 1);
  return step;
}

function raise(numbers: Uint32Array, at: number, by: number): number {
  const raised = (numbers[at] ?? 0) + by;
  numbers[at] = raised;
  return raised;
}
