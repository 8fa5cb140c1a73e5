import type { Database } from '#libs/database';
import type { Producer } from '#libs/kafka';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { MarketMetrics } from './market-metrics.js';

const EVENTS_PER_ROUND = 1_000;

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
    return this.database.transaction(async (tx) => {
      if (!(await this.outbox.lead(tx))) return 0;
      const events = await this.outbox.oldest(tx, EVENTS_PER_ROUND);
      if (events.length === 0) return 0;
      await this.producer.send(
        events.map(({ topic, part, key, value }) => ({ topic, partition: part, key, value })),
      );
      await this.outbox.remove(
        tx,
        events.map(({ eventNo }) => eventNo),
      );
      this.metrics.published(events.length);
      return events.length;
    });
  }
}
