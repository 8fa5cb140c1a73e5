import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import type {
  CancelWithdrawalRequest,
  CancelWithdrawalResponse,
  CloseChannelRequest,
  CloseChannelResponse,
  CommitTicksRequest,
  CommitTicksResponse,
  DelegateSessionKeyRequest,
  DelegateSessionKeyResponse,
  DescribeChannelRequest,
  DescribeChannelResponse,
  GetAccountRequest,
  GetAccountResponse,
  GetNetworkResponse,
  GetTotalsResponse,
  GetWithdrawalRequest,
  GetWithdrawalResponse,
  ListChannelsRequest,
  ListChannelsResponse,
  ListHistoryRequest,
  ListHistoryResponse,
  ListSessionKeysRequest,
  ListSessionKeysResponse,
  ListWithdrawalsRequest,
  ListWithdrawalsResponse,
  OpenChannelRequest,
  OpenChannelResponse,
  QuoteWithdrawalRequest,
  QuoteWithdrawalResponse,
  RegisterAccountRequest,
  RegisterAccountResponse,
  RequestWithdrawalRequest,
  RequestWithdrawalResponse,
  RevokeSessionKeyRequest,
  RevokeSessionKeyResponse,
  TransferRequest,
  TransferResponse,
  WatchAccountRequest,
  WatchAccountResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, unwrap } from '#libs/grpc';
import { ChannelsService } from '../application/channels.service.js';
import { CommitTicksService } from '../application/commit-ticks.service.js';
import { channelMessage } from '../application/events.js';
import { NetworkService } from '../application/network.service.js';
import { QuoteWithdrawalService } from '../application/quote-withdrawal.service.js';
import { SessionKeysService, sessionKeyMessage } from '../application/session-keys.service.js';
import { SignersService } from '../application/signers.service.js';
import { StatementsService } from '../application/statements.service.js';
import { TotalsService } from '../application/totals.service.js';
import { TransfersService } from '../application/transfers.service.js';
import { WatchAccountsService } from '../application/watch-accounts.service.js';
import { WithdrawalsService } from '../application/withdrawals.service.js';

/** The use cases behind LedgerService. */
export class LedgerUseCases {
  constructor(
    readonly network: NetworkService,
    readonly statements: StatementsService,
    readonly transfers: TransfersService,
    readonly sessionKeys: SessionKeysService,
    readonly channels: ChannelsService,
    readonly ticks: CommitTicksService,
    readonly withdrawals: WithdrawalsService,
    readonly quotes: QuoteWithdrawalService,
    readonly totals: TotalsService,
    readonly signers: SignersService,
    readonly watches: WatchAccountsService,
  ) {}
}

/** LedgerService over gRPC: decode, call, encode. */
@Controller()
export class LedgerController {
  constructor(@Inject(LedgerUseCases) private readonly use: LedgerUseCases) {}

  @GrpcMethod('LedgerService', 'GetNetwork')
  getNetwork(): GetNetworkResponse {
    return this.use.network.describe();
  }

  @GrpcMethod('LedgerService', 'RegisterAccount')
  async registerAccount(request: RegisterAccountRequest): Promise<RegisterAccountResponse> {
    return { address: unwrap(await this.use.statements.register(request)) };
  }

  @GrpcMethod('LedgerService', 'GetAccount')
  async getAccount(_request: GetAccountRequest, metadata: Metadata): Promise<GetAccountResponse> {
    return { balances: unwrap(await this.use.statements.balances(metadata)) };
  }

  @GrpcMethod('LedgerService', 'WatchAccount')
  watchAccount(
    _request: WatchAccountRequest,
    metadata: Metadata,
    call: ServerWritableStream<WatchAccountRequest, WatchAccountResponse>,
  ): Observable<WatchAccountResponse> {
    return new Observable((subscriber) => {
      let stop: (() => void) | undefined;
      const start = async () => {
        const signer = unwrap(await this.use.signers.session(metadata));
        stop = this.use.watches.watch(signer, (balances) => subscriber.next({ balances }));
        if (stop === undefined) {
          throw new RefusedError(refuse('OVERLOADED', 'too many accounts are being watched'));
        }
        if (call.cancelled) stop();
      };
      start().catch((error: unknown) => subscriber.error(error));
      call.on('cancelled', () => stop?.());
      return () => stop?.();
    });
  }

  @GrpcMethod('LedgerService', 'Transfer')
  async transfer(request: TransferRequest): Promise<TransferResponse> {
    return { bookedAtMs: unwrap(await this.use.transfers.transfer(request)) };
  }

  @GrpcMethod('LedgerService', 'DelegateSessionKey')
  async delegateSessionKey(
    request: DelegateSessionKeyRequest,
  ): Promise<DelegateSessionKeyResponse> {
    const delegated = unwrap(await this.use.sessionKeys.delegate(request));
    return { sessionKey: sessionKeyMessage(delegated) };
  }

  @GrpcMethod('LedgerService', 'RevokeSessionKey')
  async revokeSessionKey(request: RevokeSessionKeyRequest): Promise<RevokeSessionKeyResponse> {
    const revoked = unwrap(await this.use.sessionKeys.revoke(request));
    return { sessionKey: sessionKeyMessage(revoked) };
  }

  @GrpcMethod('LedgerService', 'ListSessionKeys')
  async listSessionKeys(
    request: ListSessionKeysRequest,
    metadata: Metadata,
  ): Promise<ListSessionKeysResponse> {
    const page = unwrap(await this.use.statements.listSessionKeys(metadata, request.page));
    return { sessionKeys: page.items.map(sessionKeyMessage), nextCursor: page.nextCursor };
  }

  @GrpcMethod('LedgerService', 'OpenChannel')
  async openChannel(request: OpenChannelRequest): Promise<OpenChannelResponse> {
    return { channel: channelMessage(unwrap(await this.use.channels.open(request))) };
  }

  @GrpcMethod('LedgerService', 'CloseChannel')
  async closeChannel(request: CloseChannelRequest): Promise<CloseChannelResponse> {
    return { channel: channelMessage(unwrap(await this.use.channels.close(request))) };
  }

  @GrpcMethod('LedgerService', 'CommitTicks')
  async commitTicks(request: CommitTicksRequest): Promise<CommitTicksResponse> {
    return { channel: channelMessage(unwrap(await this.use.ticks.commit(request))) };
  }

  @GrpcMethod('LedgerService', 'DescribeChannel')
  async describeChannel(request: DescribeChannelRequest): Promise<DescribeChannelResponse> {
    return { channel: channelMessage(unwrap(await this.use.channels.describe(request.channelId))) };
  }

  @GrpcMethod('LedgerService', 'ListChannels')
  async listChannels(
    request: ListChannelsRequest,
    metadata: Metadata,
  ): Promise<ListChannelsResponse> {
    const page = unwrap(await this.use.statements.listChannels(metadata, request.page));
    return { channels: page.items.map(channelMessage), nextCursor: page.nextCursor };
  }

  @GrpcMethod('LedgerService', 'ListHistory')
  async listHistory(request: ListHistoryRequest, metadata: Metadata): Promise<ListHistoryResponse> {
    const page = unwrap(await this.use.statements.history(metadata, request.page));
    return { entries: [...page.items], nextCursor: page.nextCursor };
  }

  @GrpcMethod('LedgerService', 'QuoteWithdrawal')
  async quoteWithdrawal(
    request: QuoteWithdrawalRequest,
    metadata: Metadata,
  ): Promise<QuoteWithdrawalResponse> {
    return unwrap(await this.use.quotes.quote(request, metadata));
  }

  @GrpcMethod('LedgerService', 'RequestWithdrawal')
  async requestWithdrawal(request: RequestWithdrawalRequest): Promise<RequestWithdrawalResponse> {
    const { withdrawals } = this.use;
    return { withdrawal: withdrawals.show(unwrap(await withdrawals.request(request))) };
  }

  @GrpcMethod('LedgerService', 'CancelWithdrawal')
  async cancelWithdrawal(request: CancelWithdrawalRequest): Promise<CancelWithdrawalResponse> {
    const { withdrawals } = this.use;
    return { withdrawal: withdrawals.show(unwrap(await withdrawals.cancel(request))) };
  }

  @GrpcMethod('LedgerService', 'GetWithdrawal')
  async getWithdrawal(
    request: GetWithdrawalRequest,
    metadata: Metadata,
  ): Promise<GetWithdrawalResponse> {
    const found = await this.use.statements.withdrawal(metadata, request.withdrawalId);
    return { withdrawal: this.use.withdrawals.show(unwrap(found)) };
  }

  @GrpcMethod('LedgerService', 'ListWithdrawals')
  async listWithdrawals(
    request: ListWithdrawalsRequest,
    metadata: Metadata,
  ): Promise<ListWithdrawalsResponse> {
    const page = unwrap(await this.use.statements.listWithdrawals(metadata, request.page));
    const withdrawals = page.items.map((item) => this.use.withdrawals.show(item));
    return { withdrawals, nextCursor: page.nextCursor };
  }

  @GrpcMethod('LedgerService', 'GetTotals')
  getTotals(): Promise<GetTotalsResponse> {
    return this.use.totals.get();
  }
}
