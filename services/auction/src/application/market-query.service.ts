import { accept, type Result, refuse } from '#libs/domain';
import { encodeCursor, parsePage } from '../domain/cursor.js';
import type { KnownOrder } from '../domain/log-record.js';
import type { Match } from '../domain/match.js';
import { checkOrderId } from '../domain/order-request.js';
import type { OrderRepository } from '../repositories/order.repository.js';
import type {
  RoundDetail,
  RoundRepository,
  RoundSummary,
} from '../repositories/round.repository.js';

/** Answers questions about orders and rounds. */
export class MarketQueryService {
  constructor(
    private readonly orders: OrderRepository,
    private readonly rounds: RoundRepository,
  ) {}

  /** An order with its matches. MALFORMED, ORDER_UNKNOWN. */
  async order(orderId: Uint8Array): Promise<Result<{ known: KnownOrder; matches: Match[] }>> {
    const refusal = checkOrderId(orderId);
    if (refusal !== undefined) return refusal;
    const known = await this.orders.find(orderId);
    if (known === undefined) return refuse('ORDER_UNKNOWN', 'no order has this id');
    return accept({ known, matches: await this.orders.matchesOf(known.order) });
  }

  /** A page of rounds, newest first. LIMIT_EXCEEDED, BAD_CURSOR. */
  async list(
    request: { cursor: string; limit: number } | undefined,
  ): Promise<Result<{ rounds: RoundSummary[]; nextCursor: string }>> {
    const page = parsePage(request);
    if (!page.ok) return page;
    const { limit } = page.value;
    const found = await this.rounds.list({ ...page.value, limit: limit + 1 });
    const rounds = found.slice(0, limit);
    const last = found.length > limit ? rounds.at(-1) : undefined;
    return accept({ rounds, nextCursor: last === undefined ? '' : encodeCursor(last.roundNo) });
  }

  /** A round with its transcript. NOT_FOUND. */
  async round(roundNo: bigint): Promise<Result<RoundDetail>> {
    const round = await this.rounds.find(roundNo);
    return round === undefined ? refuse('NOT_FOUND', 'no round has this number') : accept(round);
  }
}
