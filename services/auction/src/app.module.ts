import type { ModuleMetadata, Provider } from '@nestjs/common';
import { TOPICS } from '#libs/contracts';
import { Database, LogSourceStore } from '#libs/database';
import { Digests } from '#libs/domain';
import { Loop } from '#libs/jobs';
import { createKafka, LogWatch, type PartitionConsumer, Producer } from '#libs/kafka';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import { BookWriterService } from './application/book-writer.service.js';
import { CancelOrderService } from './application/cancel-order.service.js';
import { MarketMetrics } from './application/market-metrics.js';
import { MarketQueryService } from './application/market-query.service.js';
import { MarketRuntime } from './application/market-runtime.service.js';
import { OutboxRelayService } from './application/outbox-relay.service.js';
import { PlaceOrderService } from './application/place-order.service.js';
import type { Clock } from './application/ports.js';
import type { AuctionConfig } from './config.js';
import { BooksClient } from './grpc/books.client.js';
import { MarketController } from './grpc/market.controller.js';
import { marketOrderConsumer, orderDecoder } from './kafka/market-order.consumer.js';
import { OrderLog } from './kafka/order-log.js';
import { BookRepository } from './repositories/book.repository.js';
import { OrderRepository } from './repositories/order.repository.js';
import { OutboxRepository } from './repositories/outbox.repository.js';
import { RoundRepository } from './repositories/round.repository.js';

const systemClock: Clock = () => BigInt(Date.now());
const RELAY_PERIOD_MS = 50;

/** Everything the service is made of. */
export function appModule(config: AuctionConfig, logger: Logger): ModuleMetadata {
  const kafka = createKafka({ clientId: 'auction', brokers: config.KAFKA_BROKERS, logger });
  const digests = new Digests({ chainId: config.CHAIN_ID, vaultAddress: config.VAULT_ADDRESS });
  const database = new Database({
    url: config.DATABASE_URL,
    applicationName: 'auction',
    connectionsMax: 8,
    role: 'swarmledger_auction',
  });
  const producer = new Producer(kafka);
  const context = { digests, clock: systemClock };
  const orders = new OrderRepository(database);
  const metrics = new Metrics('auction');
  const market = new MarketMetrics(metrics);
  const log = new OrderLog(producer, logger);
  const holds = new BooksClient({
    address: config.BALANCE_INTERNAL_URL,
    token: config.INTERNAL_TOKEN_FILE,
  });
  const writer = new BookWriterService({
    books: new BookRepository(database, TOPICS.marketOrders.name),
    decode: orderDecoder(digests),
    metrics: market,
    clock: systemClock,
    logger,
  });
  const topic = TOPICS.marketOrders.name;
  const memory = new LogSourceStore(database, 'market');
  const watch = new LogWatch({ kafka, topic, memory, logger });
  const consumer = marketOrderConsumer(kafka, writer, watch, { logger });
  const relay = new OutboxRelayService(database, new OutboxRepository(), producer, market);
  const rounds = roundLoop(config, writer, logger);
  const publishing = relayLoop(relay, logger);
  const runtime = new MarketRuntime({
    producer,
    consumer,
    watch,
    loops: [rounds, publishing],
    close: async () => {
      await log.drain();
      holds.close();
      await producer.disconnect();
      await database.close();
    },
  });
  return {
    controllers: [OpsController, MarketController],
    providers: [
      value(Metrics, metrics),
      value(MarketMetrics, market),
      value(MarketRuntime, runtime),
      value(Health, checks({ database, consumer, watch, writer, loops: [rounds, publishing] })),
      value(PlaceOrderService, new PlaceOrderService(orders, holds, log, context)),
      value(CancelOrderService, new CancelOrderService(orders, log, context)),
      value(MarketQueryService, new MarketQueryService(orders, new RoundRepository(database))),
    ],
  };
}

function value<T>(provide: abstract new (...args: never[]) => T, useValue: T): Provider {
  return { provide, useFactory: () => useValue };
}

function roundLoop(config: AuctionConfig, writer: BookWriterService, logger: Logger): Loop {
  return new Loop({
    name: 'the round clock',
    pauseMs: config.ROUND_PERIOD_MS,
    steady: true,
    logger,
    round: async () => {
      await writer.holdRounds();
      return false;
    },
  });
}

function relayLoop(relay: OutboxRelayService, logger: Logger): Loop {
  return new Loop({
    name: 'the outbox relay',
    pauseMs: RELAY_PERIOD_MS,
    logger,
    round: async () => (await relay.publish()) > 0,
  });
}

function checks(parts: {
  database: Database;
  consumer: PartitionConsumer;
  watch: LogWatch;
  writer: BookWriterService;
  loops: readonly Loop[];
}): Health {
  const health = new Health();
  health.add('postgres', () => parts.database.ping());
  health.add('kafka', () => parts.consumer.assertHealthy());
  health.add('the order log is whole', () => parts.watch.assertHealthy());
  health.add('rounds', () => parts.writer.assertHealthy());
  for (const loop of parts.loops) health.add(loop.name, () => loop.assertHealthy());
  return health;
}
