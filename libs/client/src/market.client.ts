import {
  type GetOrderResponse,
  type GetRoundResponse,
  type ListRoundsResponse,
  MarketServiceClient,
  type Order,
  type PageRequest,
  type PlaceAskRequest,
  type PlaceBidRequest,
} from '#libs/contracts';
import { toBuffer } from './bytes.js';
import { CHANNEL_OPTIONS, type ClientSettings, credentialsOf, policyOf } from './connection.js';
import { LedgerUnavailable } from './errors.js';
import type { CallPolicy } from './policy.js';
import { callUnary, type UnaryMethod } from './unary.js';
import type { Wallet } from './wallet.js';

/** MarketService. Orders are signed by the wallet; every order carries an id made by the client. */
export class MarketClient {
  readonly #grpc: MarketServiceClient;
  readonly #policy: CallPolicy;

  constructor(address: string, settings: ClientSettings = {}) {
    this.#grpc = new MarketServiceClient(address, credentialsOf(settings), CHANNEL_OPTIONS);
    this.#policy = policyOf(settings);
  }

  /** Offers upload slots. */
  async placeAsk(
    wallet: Wallet,
    ask: Omit<PlaceAskRequest, 'provider' | 'publicKey' | 'signature'>,
  ): Promise<Order> {
    const method = this.#grpc.placeAsk.bind(this.#grpc);
    return present(
      'PlaceAsk',
      (await this.#call('PlaceAsk', method, wallet.ask(ask), 'write')).order,
    );
  }

  /** Asks for slots; the budget is held at once. */
  async placeBid(
    wallet: Wallet,
    bid: Omit<PlaceBidRequest, 'requester' | 'signature'>,
  ): Promise<Order> {
    const method = this.#grpc.placeBid.bind(this.#grpc);
    return present(
      'PlaceBid',
      (await this.#call('PlaceBid', method, wallet.bid(bid), 'write')).order,
    );
  }

  /** Takes back what is not yet matched. */
  async cancelOrder(wallet: Wallet, orderId: Uint8Array, validUntilMs: bigint): Promise<Order> {
    const method = this.#grpc.cancelOrder.bind(this.#grpc);
    const request = wallet.cancelOrder(orderId, validUntilMs);
    return present(
      'CancelOrder',
      (await this.#call('CancelOrder', method, request, 'write')).order,
    );
  }

  /** An order and its matches; a match names the lease's channel. */
  getOrder(orderId: Uint8Array): Promise<GetOrderResponse> {
    return this.#call(
      'GetOrder',
      this.#grpc.getOrder.bind(this.#grpc),
      { orderId: toBuffer(orderId) },
      'read',
    );
  }

  listRounds(page?: PageRequest): Promise<ListRoundsResponse> {
    return this.#call('ListRounds', this.#grpc.listRounds.bind(this.#grpc), { page }, 'read');
  }

  /** A round with the transcript from which anyone can re-run it. */
  getRound(roundNo: bigint): Promise<GetRoundResponse> {
    return this.#call('GetRound', this.#grpc.getRound.bind(this.#grpc), { roundNo }, 'read');
  }

  close(): void {
    this.#grpc.close();
  }

  #call<Req, Res>(
    name: string,
    method: UnaryMethod<Req, Res>,
    request: Req,
    effect: 'read' | 'write',
  ): Promise<Res> {
    return callUnary({ name, method, effect }, request, this.#policy);
  }
}

function present(name: string, order: Order | undefined): Order {
  if (order === undefined) throw new LedgerUnavailable(`${name}: an empty answer`);
  return order;
}
