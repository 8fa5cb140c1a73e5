import type { ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import type { SettlementConfig } from './config.js';
import { SettlementController, SettlementReads } from './grpc/settlement.controller.js';
import {
  OperatorUseCases,
  SettlementOperatorController,
} from './grpc/settlement-operator.controller.js';
import { createParts } from './parts.js';
import { scheduleOf } from './schedule.js';
import { Workers } from './workers.js';

/** The composition root: what Nest has to know of the service. */
export function settlementModule(config: SettlementConfig, logger: Logger): ModuleMetadata {
  const parts = createParts(config, logger);
  const health = new Health();
  const metrics = new Metrics('settlement');
  const workers = new Workers(config, parts, logger, metrics, health);
  const { place, deposits, batches, held, runs, status, clock } = parts;
  return {
    imports: [ScheduleModule.forRoot()],
    controllers: [OpsController, SettlementController, SettlementOperatorController],
    providers: [
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
      { provide: Workers, useValue: workers },
      { provide: SettlementReads, useValue: new SettlementReads(place, deposits, batches) },
      {
        provide: OperatorUseCases,
        useValue: new OperatorUseCases(runs, status, held, clock, config.INTERNAL_TOKEN_FILE),
      },
      scheduleOf(config.SETTLEMENT_CRON, () => workers.settle()),
    ],
  };
}
