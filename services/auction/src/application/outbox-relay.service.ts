import { type Database, relayOutbox } from '#libs/database';
import type { Producer } from '#libs/kafka';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { MarketMetrics } from './market-metrics.js';

/**
 * Publishes matches and releases in the order they were written, at least once, from one process at
 * a time; what is acknowledged is deleted. The books drop what they have booked already.
 */
export class OutboxRelayService {
  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly producer: Producer,
    private readonly metrics: MarketMetrics,
  ) {}

  /** Publishes what waits; returns how many events that were. */
  async publish(): Promise<number> {
    return relayOutbox(this.database, this.outbox, async ({ events }) => {
      if (events.length === 0) return;
      await this.producer.send(
        events.map(({ topic, part, key, value }) => ({ topic, partition: part, key, value })),
      );
      this.metrics.published(events.length);
    });
  }
}
