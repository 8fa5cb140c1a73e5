import { describe, expect, it } from 'vitest';
import { clear } from './clearing.js';
import type { Ask, Bid } from './order.js';
import { askWith, bidWith } from './order.samples.js';

/** Clears and shows who got what: `ask>bid` by number, at the price. */
function outcome(asks: Ask[], bids: Bid[], matchesMax = 100) {
  const { priceUnits, pairs } = clear({ asks, bids, matchesMax });
  const no = (order: Ask | Bid) => Number.parseInt(order.orderId, 16);
  return { priceUnits, pairs: pairs.map(({ ask, bid }) => `${no(ask)}>${no(bid)}`).join(' ') };
}

const ask = (n: number, priceUnits: bigint, fields: Partial<Ask> = {}) =>
  askWith(n, { priceUnits, ...fields });
const bid = (n: number, priceUnits: bigint, fields: Partial<Bid> = {}) =>
  bidWith(n, { priceUnits, ...fields });

describe('clear', () => {
  it.each<[string, Ask[], Bid[], { priceUnits: bigint; pairs: string }]>([
    ['nothing without orders', [], [], { priceUnits: 0n, pairs: '' }],
    [
      'nothing when limits are below reserves',
      [ask(1, 6n)],
      [bid(9, 5n)],
      { priceUnits: 0n, pairs: '' },
    ],
    ['the reserve when nobody loses', [ask(1, 3n)], [bid(9, 5n)], { priceUnits: 3n, pairs: '1>9' }],
    [
      'the highest losing bid',
      [ask(1, 3n)],
      [bid(8, 7n), bid(9, 5n)],
      { priceUnits: 5n, pairs: '1>8' },
    ],
    [
      'never below the highest winning reserve',
      [ask(1, 3n), ask(2, 6n)],
      [bid(7, 9n), bid(8, 8n), bid(9, 4n)],
      { priceUnits: 6n, pairs: '1>7 2>8' },
    ],
    [
      'the limit when an equal bid loses by time',
      [ask(1, 1n)],
      [bid(8, 5n, { atMs: 2n }), bid(9, 5n, { atMs: 1n })],
      { priceUnits: 5n, pairs: '1>9' },
    ],
    [
      'one slot of each provider to a bid, and no higher price for what no money could buy',
      [ask(1, 2n, { slotsOpen: 4 })],
      [bid(9, 50n, { slotsOpen: 3 })],
      { priceUnits: 2n, pairs: '1>9' },
    ],
    [
      'two asks of one provider count as one provider',
      [ask(1, 2n, { owner: 'Tp' }), ask(2, 3n, { owner: 'Tp' })],
      [bid(9, 50n, { slotsOpen: 2 })],
      { priceUnits: 2n, pairs: '1>9' },
    ],
    [
      'the second ask of a provider after the first is sold out',
      [ask(1, 2n, { owner: 'Tp' }), ask(2, 3n, { owner: 'Tp' })],
      [bid(8, 9n), bid(9, 8n)],
      { priceUnits: 3n, pairs: '1>8 2>9' },
    ],
    [
      'a lost slot of a winner counts as a losing bid',
      [ask(1, 2n), ask(2, 2n)],
      [bid(8, 9n), bid(9, 7n, { slotsOpen: 2 })],
      { priceUnits: 7n, pairs: '1>8 2>9' },
    ],
    [
      'nothing to oneself',
      [ask(1, 2n, { owner: 'Ta' })],
      [bid(9, 5n, { owner: 'Ta' })],
      { priceUnits: 0n, pairs: '' },
    ],
    [
      'nothing from a provider that serves the bid already',
      [ask(1, 2n, { owner: 'Ta' }), ask(2, 4n)],
      [bid(9, 5n, { met: ['Ta'] })],
      { priceUnits: 4n, pairs: '2>9' },
    ],
    [
      'the dear ask stays out when it would shut out many bids',
      [ask(1, 1n, { slotsOpen: 9 }), ask(2, 90n)],
      [bid(6, 100n, { slotsOpen: 2 }), bid(7, 50n), bid(8, 50n), bid(9, 50n)],
      { priceUnits: 1n, pairs: '1>6 1>7 1>8 1>9' },
    ],
    [
      'never above the lowest winning limit',
      [ask(1, 1n, { slotsOpen: 2 }), ask(2, 1n, { atMs: 2_000n })],
      [
        bid(7, 9n),
        bid(8, 8n, { met: ['T2'], slotsOpen: 2 }),
        bid(6, 9n, { atMs: 2_000n }),
        bid(9, 4n),
      ],
      { priceUnits: 4n, pairs: '1>7 1>6 2>9' },
    ],
  ])('gives %s', (_name, asks, bids, expected) => {
    expect(outcome(asks, bids)).toEqual(expected);
  });

  it('stops at the most matches of a round, and the rest competes', () => {
    const asks = [ask(1, 1n, { slotsOpen: 5 })];
    const bids = [bid(7, 9n), bid(8, 6n), bid(9, 4n)];
    expect(outcome(asks, bids, 1)).toEqual({ priceUnits: 6n, pairs: '1>7' });
  });

  it('agrees with the textbook when every order has one slot and an owner of its own', () => {
    const asks = Array.from({ length: 40 }, (_, n) => ask(n, BigInt(10 + n)));
    const bids = Array.from({ length: 40 }, (_, n) => bid(100 + n, BigInt(60 - n)));
    const { priceUnits, pairs } = clear({ asks, bids, matchesMax: 100 });
    // Limit 60 − n meets reserve 10 + n up to n = 25; bid 26 loses with 34, below the reserve 35.
    expect(pairs.length).toBe(26);
    expect(priceUnits).toBe(35n);
  });

  it('clears 10 000 orders; the time is printed, not judged', () => {
    const asks = Array.from({ length: 5_000 }, (_, n) =>
      ask(n, BigInt(1 + ((n * 7919) % 1_000)), { slotsOpen: 1 + (n % 4), atMs: BigInt(n % 97) }),
    );
    const bids = Array.from({ length: 5_000 }, (_, n) =>
      bid(n + 10_000, BigInt(1 + ((n * 104_729) % 1_500)), { slotsOpen: 1 + (n % 3) }),
    );
    const times = Array.from({ length: 15 }, () => {
      const start = performance.now();
      clear({ asks, bids, matchesMax: 1_000_000 });
      return performance.now() - start;
    }).sort((a, b) => a - b);
    const { pairs } = clear({ asks, bids, matchesMax: 1_000_000 });
    console.info(
      `clearing 10 000 orders, ${pairs.length} slots sold: median ${times[7]?.toFixed(1)} ms, worst ${times[14]?.toFixed(1)} ms`,
    );
    expect(pairs.length).toBeGreaterThan(4_096);
  });
});
