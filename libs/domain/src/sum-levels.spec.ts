import { keccak_256 } from '@noble/hashes/sha3.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from './bytes.js';
import { foldProof } from './liabilities-tree.js';
import { climb, levelCounts, proofStep, SumLevel, siblingsOf } from './sum-levels.js';

type Node = { readonly hash: Uint8Array; readonly units: bigint };

const leafOf = (units: bigint, salt: number): Uint8Array => {
  const leaf = new Uint8Array(16);
  const view = new DataView(leaf.buffer);
  view.setUint32(0, salt);
  view.setBigUint64(8, units);
  return leaf;
};

/** The tree as docs/vault.md tells it, without any of the columns. */
function naiveRoot(leaves: readonly Uint8Array[]): Node {
  const sum = (units: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, units);
    return bytes;
  };
  let level: Node[] = leaves
    .map((leaf) => ({ hash: keccak_256(leaf), units: new DataView(leaf.buffer).getBigUint64(8) }))
    .sort((a, b) => (toHex(a.hash) < toHex(b.hash) ? -1 : 1));
  while (level.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [left, right] = level.slice(at, at + 2) as [Node, Node?];
      if (right === undefined) above.push(left);
      else {
        const pair = [left.hash, sum(left.units), right.hash, sum(right.units)];
        const hash = keccak_256(concatBytes(Uint8Array.of(1), ...pair));
        above.push({ hash, units: left.units + right.units });
      }
    }
    level = above;
  }
  return level[0] as Node;
}

function build(leaves: readonly Uint8Array[]): SumLevel[] {
  const bottom = new SumLevel(1);
  for (const leaf of leaves)
    bottom.add(keccak_256(leaf), new DataView(leaf.buffer).getBigUint64(8));
  const levels = [bottom.sorted()];
  for (const _turn of climb(levels, keccak_256));
  return levels;
}

const anyLeaves = fc
  .uniqueArray(fc.record({ salt: fc.nat(), units: fc.bigInt({ min: 0n, max: 2n ** 50n }) }), {
    minLength: 1,
    maxLength: 70,
    selector: ({ salt }) => salt,
  })
  .map((list) => list.map(({ salt, units }) => leafOf(units, salt)));

describe('levels of a sum tree', () => {
  it('have the root of the tree built without them, and prove every leaf', () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        const levels = build(leaves);
        const naive = naiveRoot(leaves);
        const top = levels.at(-1) as SumLevel;
        expect(toHex(top.hashAt(0))).toBe(toHex(naive.hash));
        expect(top.sumAt(0)).toBe(naive.units);
        const counts = levelCounts(leaves.length);
        expect(levels.map(({ count }) => count)).toEqual(counts);
        for (const leaf of leaves) {
          const place = levels[0]?.find(keccak_256(leaf)) as number;
          const steps = siblingsOf(place, counts).map((sibling, level) =>
            sibling === undefined
              ? new Uint8Array(0)
              : proofStep(sibling, (levels[level] as SumLevel).childAt(sibling)),
          );
          const reached = foldProof(leaf, concatBytes(...steps));
          expect(toHex(reached?.root ?? new Uint8Array())).toBe(toHex(naive.hash));
          expect(reached?.totalUnits).toBe(naive.units);
        }
      }),
    );
  });

  it('take no sum that is negative or beyond 64 bits', () => {
    const level = new SumLevel(1);
    expect(() => level.add(new Uint8Array(32), -1n)).toThrow(RangeError);
    expect(() => level.add(new Uint8Array(32), 2n ** 64n)).toThrow(RangeError);
    level.add(new Uint8Array(32), 2n ** 64n - 1n);
    level.add(new Uint8Array(32).fill(1), 1n);
    expect(() => [...climb([level], keccak_256)]).toThrow(/leaves 64 bits/);
  });

  it('find what is there, and nothing else', () => {
    const level = build([leafOf(1n, 1), leafOf(2n, 2), leafOf(3n, 3)])[0] as SumLevel;
    expect(level.find(keccak_256(leafOf(2n, 2)))).toBeDefined();
    expect(level.find(keccak_256(leafOf(2n, 9)))).toBeUndefined();
    expect(level.find(new Uint8Array(32).fill(0xff))).toBeUndefined();
  });
});
