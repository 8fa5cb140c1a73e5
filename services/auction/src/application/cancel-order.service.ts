import { setTimeout as sleep } from 'node:timers/promises';
import { type CancelOrderRequest, TOPICS } from '#libs/contracts';
import { accept, checkValidity, type Digests, type Result, refuse } from '#libs/domain';
import type { KnownOrder } from '../domain/log-record.js';
import { isFinal } from '../domain/order.js';
import { checkOrderId } from '../domain/order-request.js';
import { marketPartitionOf } from '../domain/partition.js';
import type { OrderRepository } from '../repositories/order.repository.js';
import { checkOwner } from './place-order.service.js';
import type { Clock, OrderLogPort } from './ports.js';

const WAIT_MS = 4_000n;
const LOOK_EVERY_MS = 40;

/** Takes orders back: writes the cancellation to the order log and waits until the book has taken it. */
export class CancelOrderService {
  constructor(
    private readonly orders: OrderRepository,
    private readonly log: OrderLogPort,
    private readonly context: { readonly digests: Digests; readonly clock: Clock },
  ) {}

  /**
   * Cancels what is not yet matched; repeating it answers the same. MALFORMED, EXPIRED,
   * ORDER_UNKNOWN, BAD_SIGNATURE, ORDER_CLOSED, OVERLOADED, OUTCOME_UNKNOWN.
   */
  async cancel(request: CancelOrderRequest): Promise<Result<KnownOrder>> {
    const { digests, clock } = this.context;
    const atMs = clock();
    const refusal = checkOrderId(request.orderId) ?? checkValidity(request.validUntilMs, atMs);
    if (refusal !== undefined) return refusal;
    const known = await this.orders.find(request.orderId);
    if (known === undefined) return refuse('ORDER_UNKNOWN', 'no order has this id');
    const digest = digests.cancelOrder(request.orderId, request.validUntilMs);
    const stranger = checkOwner({ ...request, owner: known.order.owner, digest });
    if (stranger !== undefined) return stranger;
    if (isFinal(known.state)) return ended(known);
    const swarm = Buffer.from(known.order.swarm, 'hex');
    const part = marketPartitionOf(swarm, TOPICS.marketOrders.partitions);
    const record = { atMs, order: { $case: 'cancel', value: request } as const };
    const written = await this.log.append(part, swarm, record);
    return written.ok ? this.#outcome(request.orderId) : written;
  }

  async #outcome(orderId: Uint8Array): Promise<Result<KnownOrder>> {
    const { clock } = this.context;
    for (const untilMs = clock() + WAIT_MS; clock() < untilMs; await sleep(LOOK_EVERY_MS)) {
      const known = await this.orders.find(orderId);
      if (known !== undefined && isFinal(known.state)) return ended(known);
    }
    return refuse('OUTCOME_UNKNOWN', 'the book has not taken the cancellation yet; repeat it');
  }
}

function ended(known: KnownOrder): Result<KnownOrder> {
  return known.state === 'cancelled'
    ? accept(known)
    : refuse('ORDER_CLOSED', `the order is already ${known.state}`);
}
