import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Kafka } from 'kafkajs';
import type { Database } from '#libs/database';
import { Loop } from '#libs/jobs';
import { type PartitionConsumer, Producer } from '#libs/kafka';
import type { Health, Logger, Metrics } from '#libs/observability';
import type { Clock } from './application/clock.js';
import { FinalizeChannelsService } from './application/finalize-channels.service.js';
import { OutboxRelayService } from './application/outbox-relay.service.js';
import { matchConsumer, voucherConsumer } from './kafka/log-consumers.js';
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
};

const HOUR_MS = 3_600_000;

/** Everything that runs by itself: two consumers, the relay, the finalizer and the partitions of the days ahead. */
export class Workers implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: WorkerParts;
  readonly #producer: Producer;
  readonly #consumers: PartitionConsumer[];
  readonly #loops: Loop[];

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { kafka, database, repositories, useCases, clock, logger, metrics, health } = parts;
    this.#producer = new Producer(kafka);
    const relay = new OutboxRelayService(
      database,
      repositories.outbox,
      repositories.channels,
      this.#producer,
      clock,
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
      loop('journal partitions', HOUR_MS, async () => {
        await ensureJournalPartitions(database, clock());
        return false;
      }),
    ];
    this.#consumers = [
      voucherConsumer(kafka, useCases.vouchers, { logger, metrics }),
      matchConsumer(kafka, useCases.matches, logger),
    ];
    health.add('postgres', () => database.ping());
    health.add('voucher log', () => this.#consumers[0]?.assertHealthy());
    health.add('market matches', () => this.#consumers[1]?.assertHealthy());
    for (const loop of this.#loops) health.add(loop.name, () => loop.assertHealthy());
  }

  async onApplicationBootstrap(): Promise<void> {
    await ensureJournalPartitions(this.#parts.database, this.#parts.clock());
    await this.#producer.connect();
    for (const consumer of this.#consumers) await consumer.start();
    for (const loop of this.#loops) loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#parts.useCases.watches.stop();
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    await this.#producer.disconnect();
    await this.#parts.database.close();
  }
}
