import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clearing, clear, type Entrants, type Pair } from './clearing.js';
import type { Ask, Bid } from './order.js';
import { askWith, bidWith } from './order.samples.js';

/** The rules of docs/auction.md written down as plainly as can be, slot by slot. */
function plainClear({ asks, bids, matchesMax }: Entrants): Clearing {
  const before = (a: Ask | Bid, b: Ask | Bid) =>
    Number(a.atMs - b.atMs) || (a.orderId < b.orderId ? -1 : 1);
  const sellers = [...asks].sort((a, b) => Number(a.priceUnits - b.priceUnits) || before(a, b));
  const buyers = [...bids].sort((a, b) => Number(b.priceUnits - a.priceUnits) || before(a, b));
  const usable = (bid: Bid, priceUnits: bigint) => {
    const providers = new Set(
      sellers.filter((ask) => ask.priceUnits <= priceUnits && fits(ask, bid)).map((a) => a.owner),
    );
    return Math.min(providers.size, bid.slotsOpen);
  };
  const demand = buyers.flatMap((bid) => Array(usable(bid, bid.priceUnits)).fill(bid) as Bid[]);
  const supply = sellers.flatMap((ask) => Array(ask.slotsOpen).fill(ask) as Ask[]);
  let cross = 0;
  while (supply[cross] && demand[cross] && supply[cross]!.priceUnits <= demand[cross]!.priceUnits) {
    cross++;
  }
  if (cross === 0) return { priceUnits: 0n, pairs: [] };
  const capped = plainAssign(sellers, buyers, matchesMax, supply[cross - 1]!.priceUnits);
  const open = plainAssign(sellers, buyers, matchesMax, 2n ** 64n);
  const pairs = open.length > capped.length ? open : capped;
  const marginal = max(pairs.map(({ ask }) => ask.priceUnits));
  const losers = buyers.filter(
    (bid) => pairs.filter((pair) => pair.bid === bid).length < usable(bid, marginal),
  );
  const wanted = max([marginal, ...losers.map((bid) => bid.priceUnits)]);
  const lowest = -max(pairs.map(({ bid }) => -bid.priceUnits));
  return { priceUnits: -max([-wanted, -lowest]), pairs };
}

function plainAssign(sellers: Ask[], buyers: Bid[], matchesMax: number, cap: bigint): Pair[] {
  const pairs: Pair[] = [];
  for (const bid of buyers) {
    if (pairs.some(({ ask }) => ask.priceUnits > bid.priceUnits)) break;
    for (const ask of sellers) {
      const sold = pairs.filter((pair) => pair.ask === ask).length;
      const own = pairs.filter((pair) => pair.bid === bid);
      const full = own.length >= bid.slotsOpen || pairs.length >= matchesMax;
      const again = own.some((pair) => pair.ask.owner === ask.owner);
      const priced = ask.priceUnits <= bid.priceUnits && ask.priceUnits <= cap;
      if (!full && !again && priced && sold < ask.slotsOpen && fits(ask, bid)) {
        pairs.push({ ask, bid });
      }
    }
  }
  return pairs;
}

const fits = (ask: Ask, bid: Bid) => ask.owner !== bid.owner && !bid.met.includes(ask.owner);
const max = (values: bigint[]) => [...values].sort((a, b) => Number(b - a))[0]!;

const owner = fc.integer({ min: 0, max: 7 }).map((n) => `T${n}`);
const priceUnits = fc.bigInt({ min: 1n, max: 12n });
const atMs = fc.bigInt({ min: 0n, max: 3n });
const asksOf = fc.array(
  fc.record({ owner, priceUnits, atMs, slotsOpen: fc.integer({ min: 1, max: 4 }) }),
  { maxLength: 12 },
);
const bidsOf = fc.array(
  fc.record({
    owner,
    priceUnits,
    atMs,
    slotsOpen: fc.integer({ min: 1, max: 5 }),
    met: fc.uniqueArray(owner, { maxLength: 3 }),
  }),
  { maxLength: 12 },
);
const entrantsOf = fc
  .record({ asks: asksOf, bids: bidsOf, matchesMax: fc.integer({ min: 1, max: 60 }) })
  .map(
    ({ asks, bids, matchesMax }): Entrants => ({
      asks: asks.map((fields, at) => askWith(at, fields)),
      bids: bids.map((fields, at) => bidWith(at + 100, fields)),
      matchesMax,
    }),
  );

describe('clear, for any orders', () => {
  const always = (property: (entrants: Entrants, result: Clearing) => void) => {
    fc.assert(
      fc.property(entrantsOf, (entrants) => property(entrants, clear(entrants))),
      { numRuns: 1_500 },
    );
  };

  it('decides as the plain twin does', () => {
    always((entrants, result) => {
      expect(result).toEqual(plainClear(entrants));
    });
  });

  it('does not depend on the order in which orders are given', () => {
    always(({ asks, bids, matchesMax }, result) => {
      expect(clear({ asks: asks.toReversed(), bids: bids.toReversed(), matchesMax })).toEqual(
        result,
      );
    });
  });

  it('never makes a winner worse off, and pays the provider all that the requester pays', () => {
    always((_entrants, { pairs, priceUnits: price }) => {
      for (const { ask, bid } of pairs) {
        expect(price >= ask.priceUnits && price <= bid.priceUnits).toBe(true);
      }
    });
  });

  it('sells no more slots than there are, none twice to a bid, none to its owner', () => {
    always(({ asks, bids, matchesMax }, { pairs }) => {
      expect(pairs.length).toBeLessThanOrEqual(matchesMax);
      for (const ask of asks) {
        expect(pairs.filter((pair) => pair.ask === ask).length).toBeLessThanOrEqual(ask.slotsOpen);
      }
      for (const bid of bids) {
        const providers = pairs.filter((pair) => pair.bid === bid).map(({ ask }) => ask.owner);
        expect(providers.length).toBeLessThanOrEqual(bid.slotsOpen);
        expect(new Set([...providers, bid.owner, ...bid.met]).size).toBe(
          providers.length + new Set([bid.owner, ...bid.met]).size,
        );
      }
    });
  });

  it('matches at least one slot whenever any bid can pay any ask', () => {
    always(({ asks, bids }, { pairs }) => {
      const possible = asks.some((ask) =>
        bids.some((bid) => bid.priceUnits >= ask.priceUnits && fits(ask, bid)),
      );
      expect(pairs.length > 0).toBe(possible);
    });
  });
});
