import type { Entrants } from './clearing.js';
import { MARKET_LIMITS } from './limits.js';
import { type Ask, type Bid, byLimit, byReserve, type Order } from './order.js';

type SwarmBook = {
  readonly asks: Map<string, Ask>;
  readonly bids: Map<string, Bid>;
  /** Set while a round could find something: an order came, or the last round matched. */
  due: boolean;
};

/** The open orders of one partition, by swarm. Holds what Postgres holds; changed after each commit. */
export class OrderBook {
  readonly #swarms = new Map<string, SwarmBook>();
  readonly #swarmOf = new Map<string, string>();

  /** Adds an order, or replaces it when it is there. */
  put(order: Order): void {
    let book = this.#swarms.get(order.swarm);
    if (book === undefined) {
      book = { asks: new Map(), bids: new Map(), due: true };
      this.#swarms.set(order.swarm, book);
    }
    if (order.side === 'ask') book.asks.set(order.orderId, order);
    else book.bids.set(order.orderId, order);
    book.due = true;
    this.#swarmOf.set(order.orderId, order.swarm);
  }

  get(orderId: string): Order | undefined {
    const book = this.#swarms.get(this.#swarmOf.get(orderId) ?? '');
    return book?.asks.get(orderId) ?? book?.bids.get(orderId);
  }

  /** Removes an order; nothing happens when it is not there. Taking away never makes a match possible. */
  remove(orderId: string): void {
    const swarm = this.#swarmOf.get(orderId) ?? '';
    const book = this.#swarms.get(swarm);
    if (book === undefined) return;
    book.asks.delete(orderId);
    book.bids.delete(orderId);
    this.#swarmOf.delete(orderId);
    if (book.asks.size + book.bids.size === 0) this.#swarms.delete(swarm);
  }

  /** Open orders that have run out. */
  expired(nowMs: bigint): Order[] {
    const orders: Order[] = [];
    for (const { asks, bids } of this.#swarms.values()) {
      for (const ask of asks.values()) if (ask.expiresAtMs <= nowMs) orders.push(ask);
      for (const bid of bids.values()) if (bid.expiresAtMs <= nowMs) orders.push(bid);
    }
    return orders;
  }

  /** Swarms whose next round could match something. */
  due(): string[] {
    return [...this.#swarms]
      .filter(([, book]) => book.due && book.asks.size > 0 && book.bids.size > 0)
      .map(([swarm]) => swarm);
  }

  /** Notes that a swarm's round is held; without a match it need not be held again until an order comes. */
  settle(swarm: string, matched: boolean): void {
    const book = this.#swarms.get(swarm);
    if (book !== undefined) book.due = matched;
  }

  /** What enters the next round of a swarm: orders that have not expired, the best of each side. */
  entrants(swarm: string, nowMs: bigint): Entrants {
    const { entrantsMax, matchesMax } = MARKET_LIMITS;
    const book = this.#swarms.get(swarm);
    const live = (order: Order) => order.expiresAtMs > nowMs;
    const asks = [...(book?.asks.values() ?? [])].filter(live);
    const bids = [...(book?.bids.values() ?? [])].filter(live);
    return {
      asks: asks.length <= entrantsMax ? asks : asks.sort(byReserve).slice(0, entrantsMax),
      bids: bids.length <= entrantsMax ? bids : bids.sort(byLimit).slice(0, entrantsMax),
      matchesMax,
    };
  }

  /** Open orders by side. */
  counts(): { asks: number; bids: number } {
    let asks = 0;
    let bids = 0;
    for (const book of this.#swarms.values()) {
      asks += book.asks.size;
      bids += book.bids.size;
    }
    return { asks, bids };
  }
}
