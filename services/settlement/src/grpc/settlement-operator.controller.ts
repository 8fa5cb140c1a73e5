import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  GetSettlementStatusRequest,
  GetSettlementStatusResponse,
  RunSettlementRequest,
  RunSettlementResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError, requireInternal, unwrap } from '#libs/grpc';
import { TronNodeError } from '#libs/tron';
import type { Clock } from '../application/clock.js';
import type { SettlementRunService } from '../application/settlement-run.service.js';
import type { StatusService } from '../application/status.service.js';
import { batchToWire, draftToWire } from './to-wire.js';

/** What the operator's API does. */
export class OperatorUseCases {
  constructor(
    readonly runs: SettlementRunService,
    readonly status: StatusService,
    readonly clock: Clock,
    readonly token: string,
  ) {}
}

/** SettlementOperatorService over gRPC, on the internal port only. */
@Controller()
export class SettlementOperatorController {
  constructor(@Inject(OperatorUseCases) private readonly use: OperatorUseCases) {}

  @GrpcMethod('SettlementOperatorService', 'RunSettlement')
  async runSettlement(
    request: RunSettlementRequest,
    metadata: Metadata,
  ): Promise<RunSettlementResponse> {
    requireInternal(metadata, this.use.token);
    if (request.dryRun) {
      const drafts = await this.use.runs.dryRun();
      return { batches: drafts.map((draft) => draftToWire(draft, this.use.clock())) };
    }
    return { batches: unwrap(await this.use.runs.run()).map(batchToWire) };
  }

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
}
