import type { ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import type { Signer } from '#libs/tron';
import { ClaimProofsService } from './application/claim-proofs.service.js';
import type { SettlementConfig } from './config.js';
import { BatchOperatorController, BatchUseCases } from './grpc/batch-operator.controller.js';
import { ClaimController } from './grpc/claim.controller.js';
import { DepositOperatorController, DepositUseCases } from './grpc/deposit-operator.controller.js';
import { EpochController, EpochReads } from './grpc/epoch.controller.js';
import { SettlementController, SettlementReads } from './grpc/settlement.controller.js';
import {
  OperatorUseCases,
  SettlementOperatorController,
} from './grpc/settlement-operator.controller.js';
import { createParts } from './parts.js';
import { scheduleOf } from './schedule.js';
import { Workers } from './workers.js';

/** The composition root: what Nest has to know of the service. */
export function settlementModule(
  config: SettlementConfig,
  logger: Logger,
  signer?: Signer,
): ModuleMetadata {
  const parts = createParts(config, logger, signer);
  const health = new Health();
  const metrics = new Metrics('settlement');
  const workers = new Workers(config, parts, logger, metrics, health);
  const { place, deposits, batches, steps, held, runs, drafts, approvals, status, clock } = parts;
  const token = config.INTERNAL_TOKEN_FILE;
  return {
    imports: [ScheduleModule.forRoot()],
    controllers: [
      OpsController,
      SettlementController,
      SettlementOperatorController,
      BatchOperatorController,
      DepositOperatorController,
      EpochController,
      ClaimController,
    ],
    providers: [
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
      { provide: Workers, useValue: workers },
      { provide: SettlementReads, useValue: new SettlementReads(place, deposits, batches) },
      {
        provide: OperatorUseCases,
        useValue: new OperatorUseCases(status, held, parts.explanations, token),
      },
      {
        provide: BatchUseCases,
        useValue: new BatchUseCases(runs, drafts, approvals, batches, steps, clock, token),
      },
      {
        provide: DepositUseCases,
        useValue: new DepositUseCases(parts.depositResolutions, parts.foreignTokens, token),
      },
      { provide: EpochReads, useValue: new EpochReads(parts.epochs, parts.proofs) },
      { provide: ClaimProofsService, useValue: parts.claimProofs },
      scheduleOf(config.SETTLEMENT_CRON, () => workers.settle()),
    ],
  };
}
