import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Address,
  accept,
  addressBytes,
  checkValidity,
  concatBytes,
  type Digests,
  isAddress,
  isAmount,
  LIMITS,
  type Refusal,
  type Result,
  refuse,
  toHex,
  type Units,
} from '#libs/domain';

import { MARKET_LIMITS } from './limits.js';
import type { Ask, Bid, Order } from './order.js';

/** An offer as it comes from the wire; fields as in the proto. */
export type AskRequest = {
  readonly orderId: Uint8Array;
  readonly provider: Address;
  readonly swarm: Uint8Array;
  readonly slots: number;
  readonly slotRateMib: number;
  readonly reservePriceUnits: Units;
  readonly expiresAtMs: bigint;
};

/** A bid as it comes from the wire; fields as in the proto. */
export type BidRequest = {
  readonly orderId: Uint8Array;
  readonly requester: Address;
  readonly swarm: Uint8Array;
  readonly slots: number;
  readonly priceLimitUnits: Units;
  readonly volumeMib: bigint;
  readonly budgetUnits: Units;
  readonly expiresAtMs: bigint;
};

/** A request that has passed the cheap checks: the order, what its owner signed, and the hash of both. */
export type CheckedOrder<O extends Order = Order> = {
  readonly order: O;
  readonly digest: Uint8Array;
  /** Tells a repeated request from another one with the same id. */
  readonly contentHash: Uint8Array;
};

/**
 * Checks an offer's shape, then its limits. Refuses MALFORMED, LIMIT_EXCEEDED. That it has expired is
 * for later: a repeated request is answered whenever it comes.
 */
export function checkAsk(
  request: AskRequest,
  nowMs: bigint,
  digests: Digests,
): Result<CheckedOrder<Ask>> {
  const refusal =
    checkIds(request.orderId, request.provider, request.swarm) ??
    positive('slots', request.slots) ??
    positive('slot_rate_mib', request.slotRateMib) ??
    amount('reserve_price_units', request.reservePriceUnits) ??
    atMost('slots', request.slots, LIMITS.slotsMax) ??
    atMost('slot_rate_mib', request.slotRateMib, MARKET_LIMITS.slotRateMibMax) ??
    notTooFar(request.expiresAtMs, nowMs);
  if (refusal !== undefined) return refusal;
  return accept(askOf(request, nowMs, digests));
}

/**
 * Checks a bid's shape, then its limits, then its budget. Refuses MALFORMED, LIMIT_EXCEEDED,
 * BUDGET_TOO_SMALL. Its signature is checked where the requester's key is: by the books.
 */
export function checkBid(
  request: BidRequest,
  nowMs: bigint,
  digests: Digests,
): Result<CheckedOrder<Bid>> {
  const { slots, priceLimitUnits, volumeMib, budgetUnits } = request;
  const refusal =
    checkIds(request.orderId, request.requester, request.swarm) ??
    positive('slots', slots) ??
    amount('price_limit_units', priceLimitUnits) ??
    positive('volume_mib', volumeMib) ??
    amount('budget_units', budgetUnits) ??
    atMost('slots', slots, LIMITS.slotsMax) ??
    atMost('volume_mib', volumeMib, MARKET_LIMITS.volumeMibMax) ??
    notTooFar(request.expiresAtMs, nowMs);
  if (refusal !== undefined) return refusal;
  const neededUnits = BigInt(slots) * priceLimitUnits * volumeMib;
  if (budgetUnits < neededUnits) {
    return refuse('BUDGET_TOO_SMALL', `slots × price limit × volume is ${neededUnits} units`);
  }
  return accept(bidOf(request, nowMs, digests));
}

/** The order that a well-formed ask becomes when recorded at a time. */
export function askOf(request: AskRequest, atMs: bigint, digests: Digests): CheckedOrder<Ask> {
  const order: Ask = {
    side: 'ask',
    orderId: toHex(request.orderId),
    owner: request.provider,
    swarm: toHex(request.swarm),
    slots: request.slots,
    slotsOpen: request.slots,
    priceUnits: request.reservePriceUnits,
    slotRateMib: request.slotRateMib,
    atMs,
    expiresAtMs: request.expiresAtMs,
  };
  return checked(order, digests.ask(request));
}

/** The order that a well-formed bid becomes when recorded at a time. */
export function bidOf(request: BidRequest, atMs: bigint, digests: Digests): CheckedOrder<Bid> {
  const order: Bid = {
    side: 'bid',
    orderId: toHex(request.orderId),
    owner: request.requester,
    swarm: toHex(request.swarm),
    slots: request.slots,
    slotsOpen: request.slots,
    priceUnits: request.priceLimitUnits,
    volumeMib: request.volumeMib,
    budgetUnits: request.budgetUnits,
    met: [],
    atMs,
    expiresAtMs: request.expiresAtMs,
  };
  return checked(order, digests.bid(request));
}

/** MALFORMED unless these are the 32 bytes of an order id. */
export function checkOrderId(orderId: Uint8Array): Refusal | undefined {
  return orderId.length === 32 ? undefined : refuse('MALFORMED', 'order_id must have 32 bytes');
}

// The digest covers what was signed but not who signed; the side is in the digest's type.
function checked<O extends Order>(order: O, digest: Uint8Array): CheckedOrder<O> {
  return { order, digest, contentHash: sha256(concatBytes(addressBytes(order.owner), digest)) };
}

function checkIds(orderId: Uint8Array, owner: Address, swarm: Uint8Array): Refusal | undefined {
  const refusal = checkOrderId(orderId);
  if (refusal !== undefined) return refusal;
  if (!isAddress(owner)) return refuse('MALFORMED', 'the owner must be a TRON address');
  if (swarm.length !== 20 && swarm.length !== 32) {
    return refuse('MALFORMED', 'swarm must be an info-hash of 20 or 32 bytes');
  }
  return undefined;
}

function notTooFar(expiresAtMs: bigint, nowMs: bigint): Refusal | undefined {
  const refusal = checkValidity(expiresAtMs, nowMs);
  return refusal?.reason === 'EXPIRED' ? undefined : refusal;
}

function positive(name: string, value: number | bigint): Refusal | undefined {
  return value > 0 ? undefined : refuse('MALFORMED', `${name} must be above 0`);
}

function amount(name: string, value: Units): Refusal | undefined {
  return isAmount(value) ? undefined : refuse('MALFORMED', `${name} must be above 0`);
}

function atMost<T extends number | bigint>(name: string, value: T, max: T): Refusal | undefined {
  return value <= max ? undefined : refuse('LIMIT_EXCEEDED', `${name} may be at most ${max}`);
}
