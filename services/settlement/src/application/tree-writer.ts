import { setImmediate as turn } from 'node:timers/promises';
import {
  CHILD_BYTES,
  climb,
  type Hash32,
  leafBytes,
  leafUnits,
  type SumLeaf,
  SumLevel,
  type SumRoot,
} from '#libs/domain';
import type { EpochRepository } from '../repositories/epoch.repository.js';

const LEAVES_PER_PIECE = 500;
const NODES_PER_PIECE = 512;
/** Prefix and salt, which are not stored; a line of a batch has no salt. */
const HEAD_BYTES = { account: 33, channel: 33, payout: 1 } as const;
/** First byte of a leaf of each kind, and the number of the kind in the table. */
export const LEAF_KINDS = { account: 0, channel: 2, payout: 3 } as const;

/**
 * Stores the leaves of an epoch piece by piece as they come, and then the tree over them. In memory are 80 bytes a
 * leaf: hashes and sums of all levels.
 */
export class TreeWriter {
  readonly #bottom = new SumLevel();
  #kind: SumLeaf['kind'] | undefined;
  #lastKey = '';
  #firstKey = '';
  #piece: Uint8Array[] = [];
  #chunkNo = 0;
  #chunks = 0;

  constructor(
    private readonly epochs: EpochRepository,
    readonly buildNo: bigint,
    private readonly hash: Hash32,
  ) {}

  /** Leaves added so far. */
  get leaves(): number {
    return this.#bottom.count;
  }

  /** Pieces stored so far. */
  get chunks(): number {
    return this.#chunks;
  }

  /**
   * Adds a leaf. Those of one kind come together and by rising keys, so that no two are about the same thing: throws
   * otherwise, and a RangeError for an amount that is negative.
   */
  async add(leaf: SumLeaf, key: string): Promise<void> {
    if (leaf.kind !== this.#kind) await this.#begin(leaf.kind);
    else if (key <= this.#lastKey) {
      throw new Error(`the leaf of ${leaf.kind} ${key} does not follow ${this.#lastKey}`);
    }
    this.#lastKey = key;
    const bytes = leafBytes(leaf);
    this.#bottom.add(this.hash(bytes), leafUnits(leaf));
    if (this.#piece.length === 0) this.#firstKey = key;
    this.#piece.push(bytes.subarray(HEAD_BYTES[leaf.kind]));
    if (this.#piece.length === LEAVES_PER_PIECE) await this.#flush();
  }

  /** Stores the rest and the tree; returns its root. There must be a leaf. */
  async finish(): Promise<SumRoot> {
    await this.#flush();
    const levels = [this.#bottom.sorted()];
    // Others of this process go on meanwhile.
    for (const _turn of climb(levels, this.hash)) await turn();
    for (const [number, level] of levels.entries()) await this.#storeLevel(number, level);
    const top = levels.at(-1) as SumLevel;
    return { root: top.hashAt(0).slice(), totalUnits: top.sumAt(0) };
  }

  async #begin(kind: SumLeaf['kind']): Promise<void> {
    await this.#flush();
    this.#kind = kind;
    this.#chunkNo = 0;
  }

  async #flush(): Promise<void> {
    if (this.#kind === undefined || this.#piece.length === 0) return;
    const piece = { firstKey: this.#firstKey, leaves: Buffer.concat(this.#piece) };
    await this.epochs.addLeaves(this.buildNo, LEAF_KINDS[this.#kind], this.#chunkNo, piece);
    this.#chunkNo += 1;
    this.#chunks += 1;
    this.#piece = [];
  }

  async #storeLevel(number: number, level: SumLevel): Promise<void> {
    for (let at = 0; at * NODES_PER_PIECE < level.count; at++) {
      const nodes = Buffer.from(level.slice(at * NODES_PER_PIECE, (at + 1) * NODES_PER_PIECE));
      await this.epochs.addNodes(this.buildNo, number, at, nodes);
      this.#chunks += 1;
    }
  }
}

/** Where a node stands among the stored pieces. */
export function pieceOf(place: number): { chunkNo: number; offset: number } {
  const chunkNo = Math.floor(place / NODES_PER_PIECE);
  return { chunkNo, offset: (place % NODES_PER_PIECE) * CHILD_BYTES };
}

/** Number of the first node of a stored piece. */
export function firstPlaceOf(chunkNo: number): number {
  return chunkNo * NODES_PER_PIECE;
}
