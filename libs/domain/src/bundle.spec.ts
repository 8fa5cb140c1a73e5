import { describe, expect, it } from 'vitest';
import { sha256 as native } from '#libs/crypto';
import { bundleRoot } from './bundle.js';
import { concatBytes, toHex } from './bytes.js';

const leaf = (fill: number, cumulativeUnits: bigint) => ({
  channelId: new Uint8Array(32).fill(fill),
  cumulativeUnits,
});
const leafHash = (fill: number, units: number) =>
  native(
    concatBytes(
      Uint8Array.of(0),
      new Uint8Array(32).fill(fill),
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, units),
    ),
  );
const node = (left: Uint8Array, right: Uint8Array) =>
  native(concatBytes(Uint8Array.of(1), left, right));

describe('the root of a bundle', () => {
  it('is the leaf itself for one, and follows the tree for three', () => {
    expect(toHex(bundleRoot([leaf(1, 5n)]))).toBe(toHex(leafHash(1, 5)));
    expect(toHex(bundleRoot([leaf(1, 5n), leaf(2, 6n), leaf(3, 7n)]))).toBe(
      toHex(node(node(leafHash(1, 5), leafHash(2, 6)), leafHash(3, 7))),
    );
  });

  it('changes with every amount, channel and order, and not with the hash used', () => {
    const base = [leaf(1, 5n), leaf(2, 6n), leaf(3, 7n), leaf(4, 8n)];
    const roots = [
      base,
      [...base.slice(0, 3), leaf(4, 9n)],
      [...base.slice(0, 3), leaf(5, 8n)],
      base.toReversed(),
      base.slice(0, 3),
    ].map((leaves) => toHex(bundleRoot(leaves)));
    expect(new Set(roots).size).toBe(roots.length);
    expect(toHex(bundleRoot(base, native))).toBe(roots[0]);
  });

  it('of nothing is refused', () => {
    expect(() => bundleRoot([])).toThrow(RangeError);
  });
});
