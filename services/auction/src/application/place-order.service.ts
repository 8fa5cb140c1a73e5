import {
  type MarketOrder,
  type PlaceAskRequest,
  type PlaceBidRequest,
  TOPICS,
} from '#libs/contracts';
import { parsePublicKey, verify } from '#libs/crypto';
import {
  accept,
  addressOfPublicKey,
  checkValidity,
  type Digests,
  equalBytes,
  LIMITS,
  type Refusal,
  type Result,
  refuse,
} from '#libs/domain';
import { MARKET_LIMITS } from '../domain/limits.js';
import type { KnownOrder } from '../domain/log-record.js';
import { type CheckedOrder, checkAsk, checkBid } from '../domain/order-request.js';
import { marketPartitionOf } from '../domain/partition.js';
import type { OrderRepository } from '../repositories/order.repository.js';
import type { Clock, HoldPort, OrderLogPort } from './ports.js';

/**
 * Places orders: checks, records the order as pending, holds a bid's budget, then writes it to the
 * order log. The pending row comes first so that whatever happens afterwards somebody knows of the
 * hold: a repeated request goes on where the first one stopped, and an order that never reached the
 * log has its hold released after its expiry.
 */
export class PlaceOrderService {
  constructor(
    private readonly orders: OrderRepository,
    private readonly books: HoldPort,
    private readonly log: OrderLogPort,
    private readonly context: { readonly digests: Digests; readonly clock: Clock },
  ) {}

  /**
   * Places an offer. In this order: MALFORMED, LIMIT_EXCEEDED, BAD_SIGNATURE, ID_REUSED, EXPIRED, then
   * OVERLOADED, OUTCOME_UNKNOWN.
   */
  async placeAsk(request: PlaceAskRequest): Promise<Result<KnownOrder>> {
    const atMs = this.context.clock();
    const checked = checkAsk(request, atMs, this.context.digests);
    if (!checked.ok) return checked;
    const placed = checked.value;
    const refusal = checkOwner({ ...request, owner: request.provider, digest: placed.digest });
    if (refusal !== undefined) return refusal;
    return this.#place(placed, { atMs, order: { $case: 'ask', value: request } });
  }

  /**
   * Places a bid. In this order: MALFORMED, LIMIT_EXCEEDED, BUDGET_TOO_SMALL, ID_REUSED, EXPIRED, then
   * OVERLOADED, OUTCOME_UNKNOWN; from the books ACCOUNT_UNKNOWN, BAD_SIGNATURE, INSUFFICIENT_FUNDS, UNAVAILABLE.
   */
  async placeBid(request: PlaceBidRequest): Promise<Result<KnownOrder>> {
    const atMs = this.context.clock();
    const checked = checkBid(request, atMs, this.context.digests);
    if (!checked.ok) return checked;
    return this.#place(checked.value, { atMs, order: { $case: 'bid', value: request } });
  }

  async #place(placed: CheckedOrder, record: MarketOrder): Promise<Result<KnownOrder>> {
    const { order } = placed;
    const swarm = Buffer.from(order.swarm, 'hex');
    const part = marketPartitionOf(swarm, TOPICS.marketOrders.partitions);
    const before = await this.orders.find(Buffer.from(order.orderId, 'hex'));
    if (before !== undefined && before.state !== 'pending') return first(before, placed);
    const refusal =
      checkValidity(order.expiresAtMs, record.atMs) ??
      (before === undefined ? await this.#checkRoom(placed) : undefined);
    if (refusal !== undefined) return refusal;
    const known = before ?? (await this.orders.addPending(placed, part));
    const answer = first(known, placed);
    if (!answer.ok || known.state !== 'pending') return answer;
    if (record.order?.$case === 'bid') {
      const held = await this.#hold(placed, record.order.value);
      if (!held.ok) return held;
    }
    const written = await this.log.append(part, swarm, record);
    return written.ok ? answer : written;
  }

  async #checkRoom({ order }: CheckedOrder): Promise<Refusal | undefined> {
    const bounds = { inSwarm: LIMITS.swarmOrdersMax, ofOwner: MARKET_LIMITS.ownerOrdersMax };
    const live = await this.orders.countLive(order, bounds);
    if (live.ofOwner >= bounds.ofOwner) {
      return refuse('LIMIT_EXCEEDED', `an account may have ${bounds.ofOwner} orders in a swarm`);
    }
    if (live.inSwarm >= bounds.inSwarm)
      return refuse('OVERLOADED', 'the book of this swarm is full');
    return undefined;
  }

  async #hold(placed: CheckedOrder, bid: PlaceBidRequest): Promise<Result<undefined>> {
    const held = await this.books.placeHold(bid);
    // Without an answer the hold may stand, so the order stays known; a refusal is the end of it.
    const open = held.ok || held.reason === 'UNAVAILABLE' || held.reason === 'OUTCOME_UNKNOWN';
    if (!open) await this.orders.removePending(placed);
    return held;
  }
}

// What a repeated request is answered: the order, unless another one has its id.
function first(known: KnownOrder, placed: CheckedOrder): Result<KnownOrder> {
  return equalBytes(known.contentHash, placed.contentHash)
    ? accept(known)
    : refuse('ID_REUSED', 'this order_id was used for another order');
}

/** BAD_SIGNATURE unless the key is the owner's and the signature is the key's. */
export function checkOwner(claim: {
  readonly owner: string;
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly digest: Uint8Array;
}): Refusal | undefined {
  const publicKey = parsePublicKey(claim.publicKey);
  if (publicKey === undefined) return refuse('MALFORMED', 'public_key is not a point of the curve');
  if (addressOfPublicKey(publicKey) !== claim.owner) {
    return refuse('BAD_SIGNATURE', `public_key is not that of ${claim.owner}`);
  }
  if (!verify(claim.digest, claim.signature, publicKey)) {
    return refuse('BAD_SIGNATURE', 'the signature does not verify');
  }
  return undefined;
}
