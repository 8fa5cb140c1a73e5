import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountLeaf, foldProof, leafBytes, SumTree } from '#libs/domain';
import { hex, id32, person, VaultBench } from './vault.kit.js';

let bench: VaultBench;
let vault: string;
beforeAll(async () => {
  bench = await VaultBench.start();
  vault = await bench.vault();
});
afterAll(() => bench.stop());

/** What the contract makes of a leaf and a proof; undefined when it reverts. */
async function onChain(leaf: Uint8Array, proof: Uint8Array) {
  try {
    const [root, totalUnits] = await bench.view(vault, 'rootOf', [hex(leaf), hex(proof)]);
    return { root: String(root), totalUnits };
  } catch (error) {
    if (String(error).includes('BadProof') || String(error).includes('BadLeaf')) return undefined;
    throw error;
  }
}
const here = (leaf: Uint8Array, proof: Uint8Array) => {
  const reached = foldProof(leaf, proof);
  return reached && { root: hex(reached.root), totalUnits: reached.totalUnits };
};

describe('the contract and its twin', () => {
  it('agree on the proofs of random trees', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.bigInt({ min: 0n, max: 2n ** 50n }), { minLength: 1, maxLength: 70 }),
        fc.nat(),
        async (amounts, pick) => {
          const leaves = amounts.map(
            (units, at): AccountLeaf => ({
              kind: 'account',
              salt: id32(`salt ${at}`),
              account: person(at),
              units,
            }),
          );
          const tree = new SumTree(leaves);
          const leaf = leaves[pick % leaves.length] as AccountLeaf;
          const reached = await onChain(leafBytes(leaf), tree.prove(leaf));
          const { root, totalUnits } = tree.root;
          expect(reached).toEqual({ root: hex(root), totalUnits });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('agree on any bytes whatsoever', async () => {
    const step = fc.record({
      side: fc.oneof(fc.constantFrom(0, 1), fc.nat(255)),
      hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      sum: fc.oneof(
        fc.bigInt({ min: 0n, max: 2n ** 60n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      ),
    });
    const proofs = fc
      .tuple(fc.array(step, { maxLength: 6 }), fc.uint8Array({ maxLength: 2 }))
      .map(([steps, tail]) => {
        const parts = steps.map(({ side, hash, sum }) => {
          const bytes = Buffer.alloc(41);
          bytes[0] = side;
          bytes.set(hash, 1);
          bytes.writeBigUInt64BE(sum, 33);
          return bytes;
        });
        // Odd bytes at the end are rare enough to let whole proofs through.
        return Buffer.concat([...parts, ...(tail.length === 2 ? [tail] : [])]);
      });
    const leaves = fc.uint8Array({ minLength: 0, maxLength: 130 });
    await fc.assert(
      fc.asyncProperty(leaves, proofs, async (leaf, proof) => {
        expect(await onChain(leaf, proof)).toEqual(here(leaf, proof));
      }),
      { numRuns: 80 },
    );
  });

  it('agree on the highest tree and on one above', async () => {
    const leaf = new Uint8Array(61);
    for (const levels of [64, 65]) {
      const proof = new Uint8Array(levels * 41);
      expect(await onChain(leaf, proof)).toEqual(here(leaf, proof));
    }
    expect(here(leaf, new Uint8Array(64 * 41))).toBeDefined();
  });
});
