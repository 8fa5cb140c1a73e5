import { createHMAC, createKeccak, createSHA256 } from 'hash-wasm';
import { climb, type Hash32, levelCounts, proofStep, SumLevel, siblingsOf } from '#libs/domain';
import { FORMS, type Leaf } from './leaves.js';

/** The tree of an epoch, built anew from its leaves; 80 bytes of memory a leaf. Hashes are made in WebAssembly: there are millions. */
export class EpochTree {
  readonly #bottom: SumLevel;
  #levels: readonly SumLevel[] | undefined;

  private constructor(
    capacity: number,
    private readonly hash: Hash32,
    private readonly salt: (id: Uint8Array) => Uint8Array,
  ) {
    this.#bottom = new SumLevel(capacity);
  }

  /** An empty one with room for so many leaves; more may come. */
  static async withSecret(secret: Uint8Array, capacity: number): Promise<EpochTree> {
    const [keccak, hmac] = [await createKeccak(256), await createHMAC(createSHA256(), secret)];
    return new EpochTree(
      capacity,
      (bytes) => keccak.init().update(bytes).digest('binary'),
      (id) => hmac.init().update(id).digest('binary'),
    );
  }

  get count(): number {
    return this.#bottom.count;
  }

  /** Levels from the sorted leaves up; there must be a leaf, and none may follow. */
  get levels(): readonly SumLevel[] {
    if (this.#levels === undefined) {
      const levels = [this.#bottom.sorted()];
      for (const _turn of climb(levels, this.hash));
      this.#levels = levels;
    }
    return this.#levels;
  }

  /** Adds a leaf; returns its bytes as they are hashed. */
  add(leaf: Leaf): Buffer {
    const bytes = this.#salted(leaf);
    this.#bottom.add(this.hash(bytes), leaf.units);
    return bytes;
  }

  /** The proof of a leaf that was added, by its hashed bytes. */
  prove(bytes: Buffer): Buffer {
    const place = this.levels[0]?.find(this.hash(bytes));
    if (place === undefined) throw new RangeError('the tree has no such leaf');
    const siblings = siblingsOf(place, levelCounts(this.count));
    const steps = siblings.flatMap((sibling, at) => {
      const level = this.levels[at];
      if (sibling === undefined || level === undefined) return [];
      return [proofStep(sibling, level.childAt(sibling))];
    });
    return Buffer.concat(steps);
  }

  // First byte, salt, content (docs/vault.md).
  #salted({ kind, bytes }: Leaf): Buffer {
    const first = Buffer.of(kind);
    const salted = FORMS[kind]?.salted ?? 0;
    if (salted === 0) return Buffer.concat([first, bytes]);
    const salt = this.salt(Buffer.concat([first, bytes.subarray(0, salted)]));
    return Buffer.concat([first, salt, bytes]);
  }
}
