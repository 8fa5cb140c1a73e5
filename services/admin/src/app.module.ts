import type { ModuleMetadata } from '@nestjs/common';
import { Database } from '#libs/database';
import { unwrap } from '#libs/grpc';
import { createKafka } from '#libs/kafka';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import { BatchApprovalService } from './application/batch-approval.service.js';
import { DepositResolutionService } from './application/deposit-resolution.service.js';
import { Panel } from './application/panel.js';
import { SessionService } from './application/session.service.js';
import { SettlementService } from './application/settlement.service.js';
import { type Panels, SnapshotService } from './application/snapshot.service.js';
import { BalanceClient } from './clients/balance.client.js';
import { MarketClient } from './clients/market.client.js';
import { readServiceHealth } from './clients/ops.client.js';
import { SettlementClient } from './clients/settlement.client.js';
import type { AdminConfig } from './config.js';
import { CounterRate } from './domain/counter-rate.js';
import { logFindings } from './domain/log-loss.js';
import { Access } from './http/access.js';
import { loadAssets } from './http/assets.js';
import { BatchesController } from './http/batches.controller.js';
import { DashboardController } from './http/dashboard.controller.js';
import { DepositsController } from './http/deposits.controller.js';
import { ASSETS, PageController } from './http/page.controller.js';
import { SessionController } from './http/session.controller.js';
import { StreamHub } from './http/stream-hub.js';
import { LedgerEventsConsumer, ledgerEventsReader } from './kafka/ledger-events.consumer.js';
import { VoucherLogClient } from './kafka/voucher-log.client.js';
import { Lifecycle } from './lifecycle.js';
import { AuditRepository } from './repositories/audit.repository.js';
import { LedgerViewRepository } from './repositories/ledger-view.repository.js';
import { LoginAttemptRepository } from './repositories/login-attempt.repository.js';
import { SessionRepository } from './repositories/session.repository.js';

/** Rows of each list on the page. */
const LIST_ROWS = 10;

/** The admin service's parts and how they hang together. */
export function adminModule(config: AdminConfig, logger: Logger): ModuleMetadata {
  const now = () => Date.now();
  const nowMs = () => BigInt(Date.now());
  const stores = connect(config, logger);
  const audit = new AuditRepository(stores.own);
  const health = new Health();
  const metrics = new Metrics('admin');
  const hub = new StreamHub(now);
  const sessions = new SessionService({
    sessions: new SessionRepository(stores.own),
    attempts: new LoginAttemptRepository(stores.own),
    audit,
    operatorToken: config.operatorToken,
    sessionMs: config.sessionMs,
    now: nowMs,
    logger,
  });
  const events = new LedgerEventsConsumer({
    makeReader: ledgerEventsReader({ kafka: stores.kafka, logger }),
    logger,
    now,
  });
  const accepted = new CounterRate(now());
  const snapshots = new SnapshotService({
    services: servicePanels(config.services, accepted),
    panels: panelsOf(stores, new AuditRepository(stores.views)),
    rate: () => ({ ...events.rate(), acceptedPerSecond: accepted.perSecond(now()) }),
    metrics,
    now,
  });
  addReadiness(health, stores.own);
  const lifecycle = new Lifecycle({ snapshots, hub, events, closers: closersOf(stores), logger });
  const value = <T>(provide: unknown, useValue: T) => ({ provide: provide as symbol, useValue });
  return {
    controllers: [
      OpsController,
      PageController,
      SessionController,
      DashboardController,
      DepositsController,
      BatchesController,
    ],
    providers: [
      value(Health, health),
      value(Metrics, metrics),
      value(ASSETS, loadAssets()),
      value(Access, new Access({ ...config, sessions })),
      value(SessionService, sessions),
      value(SettlementService, new SettlementService(stores.settlement, audit, nowMs)),
      value(BatchApprovalService, new BatchApprovalService(stores.settlement, audit, nowMs)),
      value(
        DepositResolutionService,
        new DepositResolutionService(stores.settlement, audit, nowMs),
      ),
      value(SnapshotService, snapshots),
      value(StreamHub, hub),
      value(Lifecycle, lifecycle),
    ],
  };
}

type Stores = ReturnType<typeof connect>;

function connect(config: AdminConfig, logger: Logger) {
  // Signing in has connections of its own: a slow list must not keep operators out.
  const database = (applicationName: string, connectionsMax: number) =>
    new Database({
      url: config.databaseUrl,
      applicationName,
      connectionsMax,
      role: 'swarmledger_admin',
    });
  const kafka = createKafka({ clientId: 'admin', brokers: config.kafkaBrokers, logger });
  return {
    own: database('admin', 3),
    views: database('admin-views', 4),
    kafka,
    log: new VoucherLogClient(kafka),
    balance: new BalanceClient(config.balanceUrl),
    market: new MarketClient(config.auctionUrl),
    settlement: new SettlementClient({
      publicUrl: config.settlementUrl,
      internalUrl: config.settlementInternalUrl,
      internalToken: config.internalToken,
    }),
  };
}

function closersOf({ own, views, log, balance, market, settlement }: Stores) {
  return [
    () => log.close(),
    () => balance.close(),
    () => market.close(),
    () => settlement.close(),
    () => views.close(),
    () => own.close(),
  ];
}

function servicePanels(services: Readonly<Record<string, string>>, accepted: CounterRate) {
  return Object.fromEntries(
    Object.entries(services).map(([name, opsUrl]) => {
      const read = async () => {
        const health = await readServiceHealth(opsUrl);
        if (health.paymentsAccepted !== null) {
          accepted.observe(name, health.paymentsAccepted, Date.now());
        }
        return health;
      };
      return [name, panel(read, 2_000, 4_000)];
    }),
  );
}

function panelsOf(stores: Stores, audit: AuditRepository): Panels {
  const views = new LedgerViewRepository(stores.views);
  const { log, balance, market, settlement } = stores;
  return {
    postgres: panel(() => views.version(), 2_000),
    logEnds: panel(() => log.ends(), 1_000),
    applied: panel(() => views.appliedOffsets(), 1_000),
    logLoss: panel(async () => {
      const [applied, lost] = [await views.appliedOffsets(), await views.lostLogs()];
      return logFindings(lost, applied, await log.ends());
    }, 2_000),
    totals: panel(async () => unwrap(await balance.totals()), 1_000, 10_000),
    settlement: panel(async () => unwrap(await settlement.status()), 2_000, 5_000),
    batches: panel(async () => unwrap(await settlement.batches(LIST_ROWS)), 2_000),
    undecided: panel(async () => unwrap(await settlement.undecided(LIST_ROWS)), 2_000, 5_000),
    rounds: panel(async () => unwrap(await market.rounds(LIST_ROWS)), 2_000),
    deposits: panel(() => views.latestDeposits(LIST_ROWS), 2_000),
    withdrawals: panel(() => views.latestWithdrawals(LIST_ROWS), 2_000),
    held: panel(async () => unwrap(await settlement.held(LIST_ROWS)), 2_000, 5_000),
    quarantine: panel(() => views.quarantine(), 2_000),
    audit: panel(() => audit.latest(LIST_ROWS), 2_000),
  };
}

function panel<T>(read: () => Promise<T>, periodMs: number, patienceMs = 3_000): Panel<T> {
  return new Panel({ read, periodMs, patienceMs });
}

/**
 * Ready once an operator can sign in for the first time. A database that goes away later must not take
 * the page away: it is where the outage is seen.
 */
function addReadiness(health: Health, database: Database): void {
  let reached = false;
  health.add('database', async () => {
    if (!reached) await database.ping();
    reached = true;
  });
}
