import type { Address, Units } from '#libs/domain';
import { type Ask, type Bid, byLimit, byReserve } from './order.js';
import { ProviderQueue } from './provider-queue.js';

/** What enters a round of one swarm, in any order; none of it expired. */
export type Entrants = {
  readonly asks: readonly Ask[];
  readonly bids: readonly Bid[];
  /** Slots matched at most. */
  readonly matchesMax: number;
};

/** One slot of an ask sold to a bid. */
export type Pair = { readonly ask: Ask; readonly bid: Bid };

/** What a round decides: one price for all, and who trades, the highest bid first. */
export type Clearing = { readonly priceUnits: Units; readonly pairs: readonly Pair[] };

/**
 * Clears one swarm as a multi-unit uniform-price auction; docs/auction.md states the rules in words.
 * Pure: the result depends on the entrants alone, not on the order in which they are given.
 */
export function clear(entrants: Entrants): Clearing {
  const asks = entrants.asks.toSorted(byReserve);
  const bids = entrants.bids.toSorted(byLimit);
  const supply = new Supply(asks);
  const capUnits = crossing(asks, bids, supply);
  if (capUnits === undefined) return { priceUnits: 0n, pairs: [] };
  const { matchesMax } = entrants;
  const capped = assign({ asks, bids, capUnits, matchesMax });
  const open = assign({ asks, bids, capUnits: undefined, matchesMax });
  const pairs = open.length > capped.length ? open : capped;
  return { priceUnits: uniformPrice(pairs, bids, supply), pairs };
}

/** Which providers sell at which least price. */
class Supply {
  readonly #leastOf = new Map<Address, Units>();
  readonly #least: Units[] = [];

  constructor(rankedAsks: readonly Ask[]) {
    for (const { owner, priceUnits } of rankedAsks) {
      if (this.#leastOf.has(owner)) continue;
      this.#leastOf.set(owner, priceUnits);
      this.#least.push(priceUnits);
    }
  }

  /** Slots that a bid could use at a price: one of every provider that sells at it and may serve it. */
  usableSlots(bid: Bid, priceUnits: Units): number {
    let from = 0;
    let to = this.#least.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#least[middle] ?? 0n) <= priceUnits) from = middle + 1;
      else to = middle;
    }
    const sells = (provider: Address) => {
      const least = this.#leastOf.get(provider);
      return least !== undefined && least <= priceUnits;
    };
    const barred = [...new Set([bid.owner, ...bid.met])].filter(sells);
    return Math.min(bid.slotsOpen, from - barred.length);
  }
}

/** The reserve at which ranked supply meets ranked demand slot by slot, or undefined when they never meet. */
function crossing(asks: readonly Ask[], bids: readonly Bid[], supply: Supply): Units | undefined {
  let capUnits: Units | undefined;
  let at = 0;
  let left = asks[0]?.slotsOpen ?? 0;
  for (const bid of bids) {
    let wanted = supply.usableSlots(bid, bid.priceUnits);
    while (wanted > 0) {
      const ask = asks[at];
      if (ask === undefined || ask.priceUnits > bid.priceUnits) return capUnits;
      capUnits = ask.priceUnits;
      const met = Math.min(wanted, left);
      wanted -= met;
      left -= met;
      if (left === 0) left = asks[++at]?.slotsOpen ?? 0;
    }
  }
  return capUnits;
}

/**
 * Gives each bid in turn the cheapest slots of distinct providers, none above the cap or the bid's
 * limit. It ends at the first bid whose limit is below a reserve already sold, since no one price
 * could then serve all winners.
 */
function assign(input: {
  asks: readonly Ask[];
  bids: readonly Bid[];
  capUnits: Units | undefined;
  matchesMax: number;
}): Pair[] {
  const queue = new ProviderQueue(input.asks);
  const pairs: Pair[] = [];
  let marginalUnits = 0n;
  for (const bid of input.bids) {
    if (bid.priceUnits < marginalUnits || pairs.length >= input.matchesMax) break;
    const room = Math.min(bid.slotsOpen, input.matchesMax - pairs.length);
    const won = take(queue, bid, { capUnits: input.capUnits ?? bid.priceUnits, room });
    for (const ask of won) {
      pairs.push({ ask, bid });
      if (ask.priceUnits > marginalUnits) marginalUnits = ask.priceUnits;
    }
  }
  return pairs;
}

function take(queue: ProviderQueue, bid: Bid, limit: { capUnits: Units; room: number }): Ask[] {
  const won: Ask[] = [];
  const aside: Address[] = [];
  while (won.length < limit.room) {
    const ask = queue.head();
    if (ask === undefined) break;
    if (ask.priceUnits > limit.capUnits || ask.priceUnits > bid.priceUnits) break;
    const fits = ask.owner !== bid.owner && !bid.met.includes(ask.owner);
    queue.take(fits);
    aside.push(ask.owner);
    if (fits) won.push(ask);
  }
  for (const provider of aside) queue.putBack(provider);
  return won;
}

/**
 * The highest losing bid, but never below the highest winning reserve and never above the lowest
 * winning limit. A bid loses when it lacks a slot that it could have used at this reserve; a slot
 * that it lacks because it has all its providers already says nothing about the price.
 */
function uniformPrice(pairs: readonly Pair[], bids: readonly Bid[], supply: Supply): Units {
  const lowestLimitUnits = pairs.at(-1)?.bid.priceUnits ?? 0n;
  let priceUnits = 0n;
  const wonBy = new Map<Bid, number>();
  for (const { ask, bid } of pairs) {
    if (ask.priceUnits > priceUnits) priceUnits = ask.priceUnits;
    wonBy.set(bid, (wonBy.get(bid) ?? 0) + 1);
  }
  const marginalUnits = priceUnits;
  for (const bid of bids) {
    if (bid.priceUnits <= marginalUnits) break;
    if ((wonBy.get(bid) ?? 0) < supply.usableSlots(bid, marginalUnits)) {
      priceUnits = bid.priceUnits;
      break;
    }
  }
  return priceUnits < lowestLimitUnits ? priceUnits : lowestLimitUnits;
}
