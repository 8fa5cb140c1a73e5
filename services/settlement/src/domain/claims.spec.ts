import { describe, expect, it } from 'vitest';
import { foldProof, toHex } from '#libs/domain';
import { claimableNote, claimOf, claimTree, deadlineS } from './claims.js';

const ID = new Uint8Array(32).fill(7);
const PAYEE = 'TYz1xf6abnUiDLGhsFaw1MxLkKhxU4sfcs';
const lines = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ destination: PAYEE, units: BigInt(at + 1) }));

describe('a claim set', () => {
  it.each([1, 2, 3, 200])('of %i lines proves each of them, and no other', (count) => {
    const { root, totalUnits } = claimTree(ID, lines(count)).root;
    expect(totalUnits).toBe(BigInt((count * (count + 1)) / 2));
    for (const line of new Set([0, count >> 1, count - 1])) {
      const { leaf, proof } = claimOf(ID, lines(count), line);
      const reached = foldProof(leaf, proof);
      expect([toHex(reached!.root), reached!.totalUnits]).toEqual([toHex(root), totalUnits]);
      // The vault reads the payee, the line and the units from the leaf.
      const other = leaf.slice();
      other[36] = (other[36] ?? 0) ^ 1;
      expect(toHex(foldProof(other, proof)!.root)).not.toBe(toHex(root));
    }
    expect(() => claimOf(ID, lines(count), count)).toThrow(RangeError);
  });

  it('ends in whole seconds of the chain, which its owner reads as a date', () => {
    expect(deadlineS(1_999n, 3_000n)).toBe(4n);
    expect(claimableNote(1_790_000_000n)).toContain('until 2026-09-21T14:13:20.000Z;');
  });
});
