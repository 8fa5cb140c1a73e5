import type { Units } from '#libs/domain';
import { clear, type Entrants } from './clearing.js';
import { type Match, matchOf } from './match.js';
import type { Order } from './order.js';
import { type RoundHead, transcriptHash, writeTranscript } from './transcript.js';

/** Why the rest of a bid's hold goes back. */
export type ReleaseCause = 'filled' | 'cancelled' | 'expired';

/** What the books must do, in this order for each bid. */
export type MarketEvent =
  | { readonly kind: 'match'; readonly match: Match }
  | { readonly kind: 'release'; readonly bidId: string; readonly cause: ReleaseCause };

/** A round that is decided and not yet written. */
export type Round = RoundHead & {
  readonly priceUnits: Units;
  readonly matches: readonly Match[];
  readonly transcript: string;
  readonly transcriptHash: string;
  /** The orders that matched, as they are afterwards; those without open slots are filled. */
  readonly orders: readonly Order[];
  readonly events: readonly MarketEvent[];
};

/** Decides a round: who trades at which price, what becomes of the orders, what the books must do. */
export function decideRound(head: RoundHead, entrants: Entrants): Round {
  const clearing = clear(entrants);
  const { pairs, priceUnits } = clearing;
  const matches = pairs.map((pair) => matchOf(pair, head.roundNo, priceUnits));
  const after = new Map<string, Order>();
  for (const { ask, bid } of pairs) {
    const askNow = after.get(ask.orderId) ?? ask;
    const bidNow = after.get(bid.orderId) ?? bid;
    after.set(ask.orderId, { ...askNow, slotsOpen: askNow.slotsOpen - 1 });
    after.set(bid.orderId, withLease(bidNow, ask.owner));
  }
  const orders = [...after.values()];
  const transcript = writeTranscript(head, entrants, clearing);
  return {
    ...head,
    priceUnits,
    matches,
    transcript,
    transcriptHash: transcriptHash(transcript),
    orders,
    events: [
      ...matches.map((match) => ({ kind: 'match', match }) as const),
      ...orders.filter(({ slotsOpen }) => slotsOpen === 0).flatMap((bid) => release(bid, 'filled')),
    ],
  };
}

/** The event that gives a bid's hold back; an ask holds nothing. */
export function release(order: Order, cause: ReleaseCause): MarketEvent[] {
  return order.side === 'bid' ? [{ kind: 'release', bidId: order.orderId, cause }] : [];
}

function withLease(order: Order, provider: string): Order {
  const slotsOpen = order.slotsOpen - 1;
  return order.side === 'bid'
    ? { ...order, slotsOpen, met: [...order.met, provider] }
    : { ...order, slotsOpen };
}
