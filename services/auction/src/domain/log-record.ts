import { equalBytes } from '#libs/domain';
import { isFinal, type Order, type OrderState } from './order.js';
import type { CheckedOrder } from './order-request.js';
import { type MarketEvent, type ReleaseCause, release } from './round.js';

/** What a record of the order log asks for. */
export type LogCommand =
  | { readonly kind: 'place'; readonly placed: CheckedOrder }
  | { readonly kind: 'cancel'; readonly orderId: string };

/** What is known of an order when its record is read. */
export type KnownOrder = {
  readonly order: Order;
  readonly state: OrderState;
  readonly contentHash: Uint8Array;
};

/** What a record changes. */
export type LogEffect =
  | { readonly kind: 'open'; readonly placed: CheckedOrder }
  | { readonly kind: 'cancel'; readonly order: Order }
  | { readonly kind: 'release'; readonly order: Order; readonly cause: ReleaseCause }
  | { readonly kind: 'ignore'; readonly why: 'repeated' | 'id reused' | 'not open' };

/**
 * Judges one record of the log against what is known of its order. The log's order decides: a record
 * that comes twice, or under an id with other content, changes nothing.
 */
export function decideRecord(command: LogCommand, known: KnownOrder | undefined): LogEffect {
  if (command.kind === 'cancel') {
    // A cancellation that overtook its order is of no effect: whoever placed the order got no answer yet.
    return known?.state === 'open'
      ? { kind: 'cancel', order: known.order }
      : { kind: 'ignore', why: 'not open' };
  }
  const { placed } = command;
  if (known === undefined) return { kind: 'open', placed };
  if (!equalBytes(known.contentHash, placed.contentHash)) {
    return { kind: 'ignore', why: 'id reused' };
  }
  if (known.state === 'pending') return { kind: 'open', placed };
  // It ended before its record came, so its hold may have been placed after the first release.
  if (known.state === 'expired' && known.order.slotsOpen === known.order.slots) {
    return { kind: 'release', order: known.order, cause: 'expired' };
  }
  return { kind: 'ignore', why: 'repeated' };
}

/** What the books must do for an effect. */
export function eventsOf(effect: LogEffect): MarketEvent[] {
  switch (effect.kind) {
    case 'cancel':
      return release(effect.order, 'cancelled');
    case 'release':
      return release(effect.order, effect.cause);
    case 'open':
    case 'ignore':
      return [];
  }
}

/** True when a cancellation can still take something back. */
export function isCancellable(state: OrderState): boolean {
  return !isFinal(state);
}
