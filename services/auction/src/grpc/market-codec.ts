import {
  type Order as OrderMessage,
  OrderSide,
  OrderState as OrderStateMessage,
  type Round as RoundMessage,
} from '#libs/contracts';
import type { KnownOrder } from '../domain/log-record.js';
import type { OrderState } from '../domain/order.js';
import type { RoundSummary } from '../repositories/round.repository.js';

const STATES: Readonly<Record<OrderState, OrderStateMessage>> = {
  pending: OrderStateMessage.PENDING,
  open: OrderStateMessage.OPEN,
  filled: OrderStateMessage.FILLED,
  cancelled: OrderStateMessage.CANCELLED,
  expired: OrderStateMessage.EXPIRED,
};

/** An order on the wire. */
export function orderMessage({ order, state }: KnownOrder): OrderMessage {
  return {
    orderId: Buffer.from(order.orderId, 'hex'),
    side: order.side === 'ask' ? OrderSide.ASK : OrderSide.BID,
    owner: order.owner,
    swarm: Buffer.from(order.swarm, 'hex'),
    slots: order.slots,
    slotsOpen: order.slotsOpen,
    priceUnits: order.priceUnits,
    volumeMib: order.side === 'bid' ? order.volumeMib : 0n,
    state: STATES[state],
    expiresAtMs: order.expiresAtMs,
  };
}

/** A round on the wire. */
export function roundMessage(round: RoundSummary): RoundMessage {
  return {
    roundNo: round.roundNo,
    swarm: Buffer.from(round.swarm, 'hex'),
    clearedAtMs: round.clearedAtMs,
    priceUnits: round.priceUnits,
    slotsMatched: round.slotsMatched,
    transcriptHash: Buffer.from(round.transcriptHash, 'hex'),
  };
}
