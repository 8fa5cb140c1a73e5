import { describe, expect, it } from 'vitest';
import { byLimit, byReserve, isFinal } from './order.js';
import { askWith, bidWith } from './order.samples.js';

describe('the ranks of orders', () => {
  it('put the lowest reserve first, then the oldest, then the lowest id', () => {
    const ranked = [
      askWith(4, { priceUnits: 1n, atMs: 9n }),
      askWith(1, { priceUnits: 2n, atMs: 3n }),
      askWith(2, { priceUnits: 2n, atMs: 3n }),
      askWith(0, { priceUnits: 2n, atMs: 4n }),
    ];
    expect(ranked.toReversed().sort(byReserve)).toEqual(ranked);
  });

  it('put the highest limit first, then the oldest, then the lowest id', () => {
    const ranked = [
      bidWith(4, { priceUnits: 3n, atMs: 9n }),
      bidWith(1, { priceUnits: 2n, atMs: 3n }),
      bidWith(2, { priceUnits: 2n, atMs: 3n }),
      bidWith(0, { priceUnits: 2n, atMs: 4n }),
    ];
    expect(ranked.toReversed().sort(byLimit)).toEqual(ranked);
  });

  it('know which states are the end', () => {
    const states = ['pending', 'open', 'filled', 'cancelled', 'expired'] as const;
    expect(states.filter(isFinal)).toEqual(['filled', 'cancelled', 'expired']);
  });
});
