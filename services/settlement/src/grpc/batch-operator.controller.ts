import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  DecideBatchRequest,
  DecideBatchResponse,
  GetBatchRequest,
  GetBatchResponse,
  ListUndecidedBatchesRequest,
  ListUndecidedBatchesResponse,
  RunSettlementRequest,
  RunSettlementResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, requireInternal, unwrap } from '#libs/grpc';
import type { ApprovalService } from '../application/approval.service.js';
import type { Clock } from '../application/clock.js';
import type { DraftService } from '../application/draft.service.js';
import type { SettlementRunService } from '../application/settlement-run.service.js';
import { decodeCursor, encodeCursor } from '../domain/cursor.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { BatchStepRepository } from '../repositories/batch-step.repository.js';
import { cutPage, readPage } from './paging.js';
import { planToWire, undecidedToWire } from './plan-to-wire.js';
import { batchToWire, draftToWire } from './to-wire.js';

/** What operators do with batches. */
export class BatchUseCases {
  constructor(
    readonly runs: SettlementRunService,
    readonly drafts: DraftService,
    readonly approvals: ApprovalService,
    readonly batches: BatchRepository,
    readonly steps: BatchStepRepository,
    readonly clock: Clock,
    readonly token: string,
  ) {}
}

/** The part of SettlementOperatorService that plans, shows and lets through batches. */
@Controller()
export class BatchOperatorController {
  constructor(@Inject(BatchUseCases) private readonly use: BatchUseCases) {}

  @GrpcMethod('SettlementOperatorService', 'RunSettlement')
  async runSettlement(
    request: RunSettlementRequest,
    metadata: Metadata,
  ): Promise<RunSettlementResponse> {
    requireInternal(metadata, this.use.token);
    if (request.dryRun) {
      const view = unwrap(await this.use.drafts.read());
      const nowMs = this.use.clock();
      return {
        batches: view.draft.transactions.map((draft) => draftToWire(draft, nowMs)),
        plan: planToWire(view, request.listPayees),
      };
    }
    return { batches: unwrap(await this.use.runs.run()).map(batchToWire), plan: undefined };
  }

  @GrpcMethod('SettlementOperatorService', 'GetBatch')
  async getBatch(request: GetBatchRequest, metadata: Metadata): Promise<GetBatchResponse> {
    requireInternal(metadata, this.use.token);
    const { batches, steps } = this.use;
    const [batch] = await batches.find([request.batchNo]);
    if (batch === undefined) {
      throw new RefusedError(refuse('NOT_FOUND', `there is no batch ${request.batchNo}`));
    }
    const lines = await steps.lines(request.batchNo);
    return {
      batch: batchToWire(batch),
      payouts: lines.map(({ units: amountUnits, ...line }) => ({ ...line, amountUnits })),
      decisionNote: batch.decisionNote,
      decidedAtMs: batch.decidedAtMs ?? 0n,
    };
  }

  @GrpcMethod('SettlementOperatorService', 'ListUndecidedBatches')
  async listUndecidedBatches(
    request: ListUndecidedBatchesRequest,
    metadata: Metadata,
  ): Promise<ListUndecidedBatchesResponse> {
    requireInternal(metadata, this.use.token);
    const { before, limit } = readPage(request.page, (cursor) => decodeCursor('batch', cursor));
    const found = await this.use.batches.undecided(before, limit + 1);
    const { rows, nextCursor } = cutPage(found, limit, ({ batchNo }) =>
      encodeCursor('batch', batchNo),
    );
    const priced = unwrap(await this.use.drafts.priced(rows));
    return { batches: priced.map(undecidedToWire), nextCursor };
  }

  @GrpcMethod('SettlementOperatorService', 'DecideBatch')
  async decideBatch(request: DecideBatchRequest, metadata: Metadata): Promise<DecideBatchResponse> {
    requireInternal(metadata, this.use.token);
    return { batch: batchToWire(unwrap(await this.use.approvals.decide(request))) };
  }
}
