import { describe, expect, it } from 'vitest';
import { sha256 as native } from '#libs/crypto';
import { toHex } from './bytes.js';
import { hashesForward, tickChain } from './tick.js';

const seed = new Uint8Array(32).fill(6);

describe('tick chains', () => {
  it('prove every index from the end and from any tick before', () => {
    const chain = tickChain(seed, 50);
    for (const [from, to] of [
      [0, 1],
      [0, 50],
      [17, 18],
      [17, 40],
    ] as const) {
      expect(hashesForward(chain[to]!, to - from, chain[from]!)).toBe(true);
      expect(hashesForward(chain[to]!, to - from + 1, chain[from]!)).toBe(false);
    }
  });

  it('are the same with a native hash', () => {
    const hexes = (chain: Uint8Array[]) => chain.map(toHex);
    expect(hexes(tickChain(seed, 5, native))).toEqual(hexes(tickChain(seed, 5)));
  });

  it('cannot be extended by somebody who only saw a tick', () => {
    const chain = tickChain(seed, 3);
    expect(hashesForward(native(chain[1]!), 2, chain[0]!)).toBe(false);
  });
});
