import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  DismissForeignTokenRequest,
  DismissForeignTokenResponse,
  ListForeignTokensRequest,
  ListForeignTokensResponse,
  ResolveDepositRequest,
  ResolveDepositResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, requireInternal, unwrap } from '#libs/grpc';
import type { DepositResolutionService } from '../application/deposit-resolution.service.js';
import { decodeForeignCursor, encodeForeignCursor } from '../domain/cursor.js';
import type { Decision } from '../domain/resolution.js';
import type { ForeignTokenRepository } from '../repositories/foreign-token.repository.js';
import { cutPage, readPage } from './paging.js';
import { depositToWire } from './to-wire.js';

/** What operators do about what came in. */
export class DepositUseCases {
  constructor(
    readonly resolutions: DepositResolutionService,
    readonly foreignTokens: ForeignTokenRepository,
    readonly token: string,
  ) {}
}

/** The part of SettlementOperatorService that is about deposits, on the internal port only. */
@Controller()
export class DepositOperatorController {
  constructor(@Inject(DepositUseCases) private readonly use: DepositUseCases) {}

  @GrpcMethod('SettlementOperatorService', 'ResolveDeposit')
  async resolveDeposit(
    request: ResolveDepositRequest,
    metadata: Metadata,
  ): Promise<ResolveDepositResponse> {
    requireInternal(metadata, this.use.token);
    const decision = decisionOf(request.decision);
    const resolved = unwrap(await this.use.resolutions.resolve({ ...request, decision }));
    return { deposit: depositToWire(resolved.deposit), repeatedRequest: resolved.repeated };
  }

  @GrpcMethod('SettlementOperatorService', 'ListForeignTokens')
  async listForeignTokens(
    request: ListForeignTokensRequest,
    metadata: Metadata,
  ): Promise<ListForeignTokensResponse> {
    requireInternal(metadata, this.use.token);
    const { before, limit } = readPage(request.page, decodeForeignCursor);
    const found = await this.use.foreignTokens.list(before, limit + 1);
    const { rows, nextCursor } = cutPage(found, limit, encodeForeignCursor);
    return { tokens: rows, nextCursor };
  }

  @GrpcMethod('SettlementOperatorService', 'DismissForeignToken')
  async dismissForeignToken(
    request: DismissForeignTokenRequest,
    metadata: Metadata,
  ): Promise<DismissForeignTokenResponse> {
    requireInternal(metadata, this.use.token);
    if (!(await this.use.foreignTokens.dismiss(request.token, request.recipient))) {
      throw new RefusedError(refuse('NOT_FOUND', 'this token is not on the list'));
    }
    return {};
  }
}

function decisionOf(decision: ResolveDepositRequest['decision']): Decision {
  if (decision?.$case === 'creditAccount') return { kind: 'credit', account: decision.value };
  if (decision?.$case === 'dismiss' && decision.value) return { kind: 'dismiss' };
  throw new RefusedError(refuse('MALFORMED', 'decision is missing'));
}
