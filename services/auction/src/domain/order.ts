import type { Address, Units } from '#libs/domain';

/** What asks and bids have in common. Ids and swarms are lower-case hex. */
type OrderFields = {
  readonly orderId: string;
  readonly owner: Address;
  readonly swarm: string;
  /** Slots offered or wanted at first. */
  readonly slots: number;
  /** Slots not yet matched. */
  readonly slotsOpen: number;
  /** Reserve price or price limit, units per MiB. */
  readonly priceUnits: Units;
  /** When the order was recorded: its time priority. */
  readonly atMs: bigint;
  readonly expiresAtMs: bigint;
};

/** An offer of upload slots. */
export type Ask = OrderFields & { readonly side: 'ask'; readonly slotRateMib: number };

/** A wish for slots, each from another provider. */
export type Bid = OrderFields & {
  readonly side: 'bid';
  /** MiB wanted from each slot. */
  readonly volumeMib: bigint;
  /** Units held for it. */
  readonly budgetUnits: Units;
  /** Providers that already serve this bid: none of them is matched with it again. */
  readonly met: readonly Address[];
};

/** An ask or a bid. */
export type Order = Ask | Bid;

/** Life of an order: recorded, in the book, and three ways to end. */
export type OrderState = 'pending' | 'open' | 'filled' | 'cancelled' | 'expired';

/** True when nothing more can happen to an order. */
export function isFinal(state: OrderState): boolean {
  return state === 'filled' || state === 'cancelled' || state === 'expired';
}

/** Asks in the order in which they sell: lowest reserve, then oldest, then lowest id. */
export function byReserve(a: Ask, b: Ask): number {
  return compare(a.priceUnits, b.priceUnits) || byAge(a, b);
}

/** Bids in the order in which they buy: highest limit, then oldest, then lowest id. */
export function byLimit(a: Bid, b: Bid): number {
  return compare(b.priceUnits, a.priceUnits) || byAge(a, b);
}

function byAge(a: Order, b: Order): number {
  return compare(a.atMs, b.atMs) || compare(a.orderId, b.orderId);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
