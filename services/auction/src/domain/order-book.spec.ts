import { describe, expect, it } from 'vitest';
import { MARKET_LIMITS } from './limits.js';
import { askWith, bidWith } from './order.samples.js';
import { OrderBook } from './order-book.js';

const SWARM = 'ab'.repeat(20);
const OTHER = 'cd'.repeat(20);

function bookWith(...orders: Parameters<OrderBook['put']>[0][]): OrderBook {
  const book = new OrderBook();
  for (const order of orders) book.put(order);
  return book;
}

describe('OrderBook', () => {
  it('finds, replaces and removes orders', () => {
    const book = bookWith(askWith(1), bidWith(2));
    book.put({ ...askWith(1), slotsOpen: 7 });
    expect(book.get(askWith(1).orderId)).toMatchObject({ slotsOpen: 7 });
    expect(book.counts()).toEqual({ asks: 1, bids: 1 });
    book.remove(askWith(1).orderId);
    book.remove(askWith(1).orderId);
    book.remove('unknown');
    expect(book.get(askWith(1).orderId)).toBeUndefined();
    expect(book.counts()).toEqual({ asks: 0, bids: 1 });
  });

  it('has a round due only where both sides are and something has come since the last one', () => {
    const book = bookWith(askWith(1), bidWith(2), askWith(3, { swarm: OTHER }));
    expect(book.due()).toEqual([SWARM]);
    book.settle(SWARM, true);
    expect(book.due()).toEqual([SWARM]);
    book.settle(SWARM, false);
    expect(book.due()).toEqual([]);
    book.remove(bidWith(2).orderId);
    expect(book.due()).toEqual([]);
    book.put(bidWith(4));
    book.put(bidWith(5, { swarm: OTHER }));
    expect(book.due()).toEqual([SWARM, OTHER]);
  });

  it('keeps what has run out away from rounds and names it', () => {
    const book = bookWith(askWith(1, { expiresAtMs: 10n }), bidWith(2, { expiresAtMs: 11n }));
    expect(book.expired(10n).map(({ side }) => side)).toEqual(['ask']);
    expect(book.entrants(SWARM, 10n)).toMatchObject({ asks: [], bids: [{ side: 'bid' }] });
  });

  it('lets the best of each side enter when there are too many', () => {
    const { entrantsMax } = MARKET_LIMITS;
    const book = new OrderBook();
    for (let n = 0; n <= entrantsMax; n++) {
      book.put(askWith(n, { priceUnits: BigInt(n + 1) }));
      book.put(bidWith(n + 10_000, { priceUnits: BigInt(n + 1) }));
    }
    const { asks, bids } = book.entrants(SWARM, 0n);
    expect([asks.length, bids.length]).toEqual([entrantsMax, entrantsMax]);
    expect(asks.at(-1)?.priceUnits).toBe(BigInt(entrantsMax));
    expect(bids.at(-1)?.priceUnits).toBe(2n);
  });

  it('knows nothing of a swarm without orders', () => {
    expect(new OrderBook().entrants(SWARM, 0n)).toMatchObject({ asks: [], bids: [] });
  });
});
