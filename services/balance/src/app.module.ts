import type { ModuleMetadata } from '@nestjs/common';
import { Database } from '#libs/database';
import { createKafka } from '#libs/kafka';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import { systemClock } from './application/clock.js';
import type { BalanceConfig } from './config.js';
import { BooksController, BooksUseCases } from './grpc/books.controller.js';
import { LedgerController, LedgerUseCases } from './grpc/ledger.controller.js';
import { createRepositories } from './repositories.js';
import { createUseCases } from './use-cases.js';
import { Workers } from './workers.js';

/** The composition root: every part of the service is made and joined here. */
export function balanceModule(config: BalanceConfig, logger: Logger): ModuleMetadata {
  const database = new Database({
    url: config.DATABASE_URL,
    applicationName: 'swarmledger-balance',
    connectionsMax: 20,
    role: 'swarmledger_balance',
  });
  const kafka = createKafka({
    clientId: 'balance',
    brokers: config.KAFKA_BROKERS,
    logger,
  });
  const clock = systemClock;
  const repositories = createRepositories(database);
  const useCases = createUseCases({ config, database, repositories, clock, logger });
  const health = new Health();
  const metrics = new Metrics('balance');
  const workers = new Workers({
    kafka,
    database,
    repositories,
    useCases,
    clock,
    logger,
    metrics,
    health,
    applyEveryMs: config.APPLY_EVERY_MS,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
  });
  const ledger = new LedgerUseCases(
    useCases.network,
    useCases.statements,
    useCases.transfers,
    useCases.sessionKeys,
    useCases.channels,
    useCases.ticks,
    useCases.withdrawals,
    useCases.quotes,
    useCases.totals,
    useCases.signers,
    useCases.watches,
  );
  const books = new BooksUseCases(
    useCases.deposits,
    useCases.suspense,
    useCases.holds,
    useCases.advance,
    useCases.channels,
    useCases.liabilities,
    useCases.withdrawals,
    repositories.withdrawals,
    config.INTERNAL_TOKEN_FILE,
  );
  return {
    controllers: [OpsController, LedgerController, BooksController],
    providers: [
      { provide: Health, useValue: health },
      { provide: Metrics, useValue: metrics },
      { provide: LedgerUseCases, useValue: ledger },
      { provide: BooksUseCases, useValue: books },
      { provide: Workers, useValue: workers },
    ],
  };
}
