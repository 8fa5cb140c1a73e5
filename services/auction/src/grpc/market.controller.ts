import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  CancelOrderRequest,
  CancelOrderResponse,
  GetOrderRequest,
  GetOrderResponse,
  GetRoundRequest,
  GetRoundResponse,
  ListRoundsRequest,
  ListRoundsResponse,
  PlaceAskRequest,
  PlaceAskResponse,
  PlaceBidRequest,
  PlaceBidResponse,
} from '#libs/contracts';
import { unwrap } from '#libs/grpc';
import { CancelOrderService } from '../application/cancel-order.service.js';
import { matchMessage } from '../application/market-events.js';
import { MarketMetrics } from '../application/market-metrics.js';
import { MarketQueryService } from '../application/market-query.service.js';
import { PlaceOrderService } from '../application/place-order.service.js';
import { orderMessage, roundMessage } from './market-codec.js';

/** MarketService over gRPC. */
@Controller()
export class MarketController {
  constructor(
    @Inject(PlaceOrderService) private readonly placing: PlaceOrderService,
    @Inject(CancelOrderService) private readonly cancelling: CancelOrderService,
    @Inject(MarketQueryService) private readonly queries: MarketQueryService,
    @Inject(MarketMetrics) private readonly metrics: MarketMetrics,
  ) {}

  @GrpcMethod('MarketService', 'PlaceAsk')
  async placeAsk(request: PlaceAskRequest): Promise<PlaceAskResponse> {
    const placed = await this.placing.placeAsk(request);
    this.metrics.order('ask', placed.ok ? 'placed' : placed.reason);
    return { order: orderMessage(unwrap(placed)) };
  }

  @GrpcMethod('MarketService', 'PlaceBid')
  async placeBid(request: PlaceBidRequest): Promise<PlaceBidResponse> {
    const placed = await this.placing.placeBid(request);
    this.metrics.order('bid', placed.ok ? 'placed' : placed.reason);
    return { order: orderMessage(unwrap(placed)) };
  }

  @GrpcMethod('MarketService', 'CancelOrder')
  async cancelOrder(request: CancelOrderRequest): Promise<CancelOrderResponse> {
    return { order: orderMessage(unwrap(await this.cancelling.cancel(request))) };
  }

  @GrpcMethod('MarketService', 'GetOrder')
  async getOrder(request: GetOrderRequest): Promise<GetOrderResponse> {
    const { known, matches } = unwrap(await this.queries.order(request.orderId));
    return { order: orderMessage(known), matches: matches.map(matchMessage) };
  }

  @GrpcMethod('MarketService', 'ListRounds')
  async listRounds(request: ListRoundsRequest): Promise<ListRoundsResponse> {
    const { rounds, nextCursor } = unwrap(await this.queries.list(request.page));
    return { rounds: rounds.map(roundMessage), nextCursor };
  }

  @GrpcMethod('MarketService', 'GetRound')
  async getRound(request: GetRoundRequest): Promise<GetRoundResponse> {
    const round = unwrap(await this.queries.round(request.roundNo));
    const { transcript, matches } = round;
    return { round: roundMessage(round), matches: matches.map(matchMessage), transcript };
  }
}
