import { once } from 'node:events';
import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { Observable } from 'rxjs';
import type {
  AdvanceWithdrawalRequest,
  AdvanceWithdrawalResponse,
  CreditDepositRequest,
  CreditDepositResponse,
  ListChannelViewsRequest,
  ListChannelViewsResponse,
  ListOpenWithdrawalsRequest,
  ListOpenWithdrawalsResponse,
  PlaceHoldRequest,
  PlaceHoldResponse,
  ResolveSuspenseRequest,
  ResolveSuspenseResponse,
  SnapshotLiabilitiesRequest,
  SnapshotLiabilitiesResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, requireInternal, unwrap } from '#libs/grpc';
import { AdvanceWithdrawalService } from '../application/advance-withdrawal.service.js';
import { ChannelsService } from '../application/channels.service.js';
import { DepositsService } from '../application/deposits.service.js';
import { HoldsService } from '../application/holds.service.js';
import { LiabilitiesService } from '../application/liabilities.service.js';
import { ResolveSuspenseService } from '../application/resolve-suspense.service.js';
import { WithdrawalsService } from '../application/withdrawals.service.js';
import { encodeCursor, parsePage } from '../domain/cursor.js';
import { WithdrawalRepository } from '../repositories/withdrawal.repository.js';

/** The use cases behind BooksService. */
export class BooksUseCases {
  constructor(
    readonly deposits: DepositsService,
    readonly suspense: ResolveSuspenseService,
    readonly holds: HoldsService,
    readonly advance: AdvanceWithdrawalService,
    readonly channels: ChannelsService,
    readonly liabilities: LiabilitiesService,
    readonly withdrawals: WithdrawalsService,
    readonly openWithdrawals: WithdrawalRepository,
    readonly token: string,
  ) {}
}

/** BooksService over gRPC, for the other services of the cluster only. */
@Controller()
export class BooksController {
  constructor(@Inject(BooksUseCases) private readonly use: BooksUseCases) {}

  @GrpcMethod('BooksService', 'CreditDeposit')
  async creditDeposit(
    request: CreditDepositRequest,
    metadata: Metadata,
  ): Promise<CreditDepositResponse> {
    requireInternal(metadata, this.use.token);
    return { repeatedRequest: unwrap(await this.use.deposits.credit(request)) };
  }

  @GrpcMethod('BooksService', 'ResolveSuspense')
  async resolveSuspense(
    request: ResolveSuspenseRequest,
    metadata: Metadata,
  ): Promise<ResolveSuspenseResponse> {
    requireInternal(metadata, this.use.token);
    return { repeatedRequest: unwrap(await this.use.suspense.resolve(request)) };
  }

  @GrpcMethod('BooksService', 'PlaceHold')
  async placeHold(request: PlaceHoldRequest, metadata: Metadata): Promise<PlaceHoldResponse> {
    requireInternal(metadata, this.use.token);
    if (request.bid === undefined) throw new RefusedError(refuse('MALFORMED', 'bid is missing'));
    return { repeatedRequest: unwrap(await this.use.holds.place(request.bid)) };
  }

  @GrpcMethod('BooksService', 'AdvanceWithdrawal')
  async advanceWithdrawal(
    request: AdvanceWithdrawalRequest,
    metadata: Metadata,
  ): Promise<AdvanceWithdrawalResponse> {
    requireInternal(metadata, this.use.token);
    const advanced = unwrap(await this.use.advance.advance(request));
    return { withdrawal: this.use.withdrawals.show(advanced) };
  }

  @GrpcMethod('BooksService', 'ListOpenWithdrawals')
  async listOpenWithdrawals(
    request: ListOpenWithdrawalsRequest,
    metadata: Metadata,
  ): Promise<ListOpenWithdrawalsResponse> {
    requireInternal(metadata, this.use.token);
    const { after, limit } = unwrap(parsePage(request.page, ['bigint']));
    const rows = await this.use.openWithdrawals.open(after[0] ?? 0n, limit + 1);
    const last = rows[limit - 1];
    const more = rows.length > limit && last !== undefined;
    return {
      withdrawals: rows.slice(0, limit).map((row) => this.use.withdrawals.show(row)),
      nextCursor: more ? encodeCursor([last.withdrawalNo]) : '',
    };
  }

  @GrpcMethod('BooksService', 'ListChannelViews')
  async listChannelViews(
    request: ListChannelViewsRequest,
    metadata: Metadata,
  ): Promise<ListChannelViewsResponse> {
    requireInternal(metadata, this.use.token);
    return { views: unwrap(await this.use.channels.views(request.channelIds)) };
  }

  @GrpcMethod('BooksService', 'SnapshotLiabilities')
  snapshotLiabilities(
    _request: SnapshotLiabilitiesRequest,
    metadata: Metadata,
    call: ServerWritableStream<SnapshotLiabilitiesRequest, SnapshotLiabilitiesResponse>,
  ): Observable<SnapshotLiabilitiesResponse> {
    requireInternal(metadata, this.use.token);
    return new Observable((subscriber) => {
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      const write = async () => {
        const written = await this.use.liabilities.snapshot(async (piece) => {
          // What the reader has not taken yet would pile up in memory.
          if (call.writableNeedDrain) await once(call, 'drain', { signal: gone.signal });
          gone.signal.throwIfAborted();
          subscriber.next({ piece });
        });
        unwrap(written);
        subscriber.complete();
      };
      write().catch((error: unknown) => subscriber.error(error));
    });
  }
}
