import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Kafka } from 'kafkajs';
import { TOPICS } from '#libs/contracts';
import { type Database, LogSourceStore } from '#libs/database';
import { Loop } from '#libs/jobs';
import { LogWatch, type PartitionConsumer, Producer } from '#libs/kafka';
import type { Health, Logger, Metrics } from '#libs/observability';
import type { Clock } from './application/clock.js';
import { FinalizeChannelsService } from './application/finalize-channels.service.js';
import { OutboxRelayService } from './application/outbox-relay.service.js';
import { dayOf } from './domain/withdrawal-limits.js';
import { matchConsumer, quarantineCounter, voucherConsumer } from './kafka/log-consumers.js';
import { ensureJournalPartitions } from './repositories/journal-partition.repository.js';
import type { Repositories } from './repositories.js';
import type { UseCases } from './use-cases.js';

/** What the background work of this service is made from. */
export type WorkerParts = {
  readonly kafka: Kafka;
  readonly database: Database;
  readonly repositories: Repositories;
  readonly useCases: UseCases;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** How often a partition of the voucher log is applied under load. */
  readonly applyEveryMs: number;
  /** How long a silent replica keeps its partitions. */
  readonly sessionTimeoutMs?: number | undefined;
};

const HOUR_MS = 3_600_000;
const SEAL_EVERY_MS = 1_000;
// Limits look at today only; a few more days help whoever asks what happened.
const WITHDRAWAL_DAYS_KEPT = 7;

/** Everything that runs by itself: two consumers, the relay, the finalizer and the partitions of the days ahead. */
export class Workers implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: WorkerParts;
  readonly #producer: Producer;
  readonly #consumers: PartitionConsumer[];
  readonly #watches: LogWatch[];
  readonly #loops: Loop[];

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { kafka, database, repositories, useCases, clock, logger, metrics, health } = parts;
    this.#producer = new Producer(kafka);
    const memory = new LogSourceStore(database, 'ledger');
    const watch = (topic: string) => new LogWatch({ kafka, topic, memory, logger });
    const voucherLog = watch(TOPICS.vouchers.name);
    const matchLog = watch(TOPICS.marketMatches.name);
    this.#watches = [voucherLog, matchLog];
    const relay = new OutboxRelayService(
      database,
      repositories.outbox,
      repositories.channels,
      this.#producer,
      clock,
      () => voucherLog.isWhole,
    );
    const finalizer = new FinalizeChannelsService(
      database,
      repositories.channels,
      this.#producer,
      clock,
    );
    const loop = (name: string, pauseMs: number, round: () => Promise<boolean>) =>
      new Loop({ name, pauseMs, logger, round });
    this.#loops = [
      loop('outbox relay', 25, async () => (await relay.round()) > 0),
      loop('channel finalizer', 500, async () => (await finalizer.round()) > 0),
      loop('operations sealer', SEAL_EVERY_MS, async () => (await useCases.sealing.round()) > 0),
      loop('journal partitions', HOUR_MS, async () => {
        await ensureJournalPartitions(database, clock());
        return false;
      }),
      loop('withdrawal days', HOUR_MS, async () => {
        const day = dayOf(clock()) - WITHDRAWAL_DAYS_KEPT;
        await repositories.withdrawalDays.removeBefore(database.sql, day);
        return false;
      }),
    ];
    const { sessionTimeoutMs } = parts;
    const quarantined = quarantineCounter(metrics);
    const tools = { logger, metrics, quarantined, sessionTimeoutMs };
    this.#consumers = [
      voucherConsumer(kafka, useCases.vouchers, voucherLog, {
        ...tools,
        applyEveryMs: parts.applyEveryMs,
      }),
      matchConsumer(kafka, useCases.matches, matchLog, tools),
    ];
    health.add('postgres', () => database.ping());
    health.add('voucher log', () => this.#consumers[0]?.assertHealthy());
    health.add('market matches', () => this.#consumers[1]?.assertHealthy());
    health.add('voucher log is whole', () => voucherLog.assertHealthy());
    health.add('market matches are whole', () => matchLog.assertHealthy());
    for (const loop of this.#loops) health.add(loop.name, () => loop.assertHealthy());
  }

  async onApplicationBootstrap(): Promise<void> {
    await ensureJournalPartitions(this.#parts.database, this.#parts.clock());
    // Before anything is applied, and before the first mark lets ingest acknowledge.
    for (const watch of this.#watches) await watch.start();
    await this.#producer.connect();
    for (const consumer of this.#consumers) await consumer.start();
    for (const loop of this.#loops) loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#parts.useCases.watches.stop();
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await Promise.all(this.#watches.map((watch) => watch.stop()));
    await this.#producer.disconnect();
    await this.#parts.database.close();
  }
}
