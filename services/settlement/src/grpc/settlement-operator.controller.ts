import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  ExplainTransactionRequest,
  ExplainTransactionResponse,
  GetSettlementStatusRequest,
  GetSettlementStatusResponse,
  ListHeldDepositsRequest,
  ListHeldDepositsResponse,
  ListHeldPayoutsRequest,
  ListHeldPayoutsResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, requireInternal, unwrap } from '#libs/grpc';
import { TronNodeError } from '#libs/tron';
import type { ExplanationService } from '../application/explanation.service.js';
import type { StatusService } from '../application/status.service.js';
import {
  decodeCursor,
  decodeDepositCursor,
  encodeCursor,
  encodeDepositCursor,
} from '../domain/cursor.js';
import type { HeldRepository } from '../repositories/held.repository.js';
import { cutPage, readPage } from './paging.js';
import { heldDepositToWire, heldPayoutToWire } from './to-wire.js';

/** What the operator's API does beside batches. */
export class OperatorUseCases {
  constructor(
    readonly status: StatusService,
    readonly held: HeldRepository,
    readonly explanations: ExplanationService,
    readonly token: string,
  ) {}
}

/** SettlementOperatorService over gRPC, on the internal port only. */
@Controller()
export class SettlementOperatorController {
  constructor(@Inject(OperatorUseCases) private readonly use: OperatorUseCases) {}

  @GrpcMethod('SettlementOperatorService', 'GetSettlementStatus')
  async getSettlementStatus(
    _request: GetSettlementStatusRequest,
    metadata: Metadata,
  ): Promise<GetSettlementStatusResponse> {
    requireInternal(metadata, this.use.token);
    try {
      return await this.use.status.read();
    } catch (error) {
      if (!(error instanceof TronNodeError)) throw error;
      throw new RefusedError(refuse('UNAVAILABLE', `the TRON node: ${error.message}`));
    }
  }

  @GrpcMethod('SettlementOperatorService', 'ListHeldDeposits')
  async listHeldDeposits(
    request: ListHeldDepositsRequest,
    metadata: Metadata,
  ): Promise<ListHeldDepositsResponse> {
    requireInternal(metadata, this.use.token);
    const { before, limit } = readPage(request.page, decodeDepositCursor);
    const found = await this.use.held.deposits(before, limit + 1);
    const { rows, nextCursor } = cutPage(found, limit, encodeDepositCursor);
    return { deposits: rows.map(heldDepositToWire), nextCursor };
  }

  @GrpcMethod('SettlementOperatorService', 'ListHeldPayouts')
  async listHeldPayouts(
    request: ListHeldPayoutsRequest,
    metadata: Metadata,
  ): Promise<ListHeldPayoutsResponse> {
    requireInternal(metadata, this.use.token);
    const { before, limit } = readPage(request.page, (cursor) => decodeCursor('payout', cursor));
    const found = await this.use.held.payouts(before, limit + 1);
    const { rows, nextCursor } = cutPage(found, limit, ({ payoutNo }) =>
      encodeCursor('payout', payoutNo),
    );
    return { payouts: rows.map(heldPayoutToWire), nextCursor };
  }

  @GrpcMethod('SettlementOperatorService', 'ExplainTransaction')
  async explainTransaction(
    request: ExplainTransactionRequest,
    metadata: Metadata,
  ): Promise<ExplainTransactionResponse> {
    requireInternal(metadata, this.use.token);
    return { repeatedRequest: unwrap(await this.use.explanations.explain(request)) };
  }
}
