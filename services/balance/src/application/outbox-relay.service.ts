import { LEDGER_PARTITIONS, LedgerEvent, TOPICS } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import type { OutRecord, Producer } from '#libs/kafka';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { OutboxRepository, StoredEvent } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { markRecord } from './events.js';

const EVENTS_PER_ROUND = 1_000;
const MARK_EVERY_MS = 250n;

/**
 * Publishes events in the order they were written, at least once, from one process at a time. While
 * it is up to date it also writes marks into the `channels` topic: ingest acknowledges vouchers only
 * while it sees fresh ones, which is why a channel's end can never overtake an acknowledgement.
 */
export class OutboxRelayService {
  #markedAtMs = 0n;

  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly channels: ChannelRepository,
    private readonly producer: Producer,
    private readonly clock: Clock,
  ) {}

  /** Publishes what waits; returns how many events that were. */
  async round(): Promise<number> {
    return this.database.transaction(async (tx) => {
      if (!(await this.outbox.lead(tx))) return 0;
      // Taken before the read: what commits later is not covered by this round's mark.
      const readAtMs = this.clock();
      const events = await this.outbox.oldest(tx, EVENTS_PER_ROUND);
      const records = events.map(toRecord);
      const upToDate = events.length < EVENTS_PER_ROUND;
      const mark = upToDate && readAtMs >= this.#markedAtMs + MARK_EVERY_MS;
      if (mark) records.push(...marks(readAtMs));
      if (records.length === 0) return 0;
      await this.producer.send(records);
      if (mark) this.#markedAtMs = readAtMs;
      await this.#done(tx, events);
      return events.length;
    });
  }

  async #done(tx: Transaction, events: readonly StoredEvent[]): Promise<void> {
    if (events.length === 0) return;
    const closing = events.flatMap((event) => event.closingChannelNo ?? []);
    await this.channels.markClosingPublished(tx, closing, this.clock());
    await this.outbox.remove(
      tx,
      events.map(({ eventNo }) => eventNo),
    );
  }
}

function toRecord(event: StoredEvent): OutRecord {
  const { topic, part, key } = event;
  return {
    topic,
    key,
    value: topic === TOPICS.ledgerEvents.name ? numbered(event) : event.value,
    ...(part === null ? {} : { partition: part }),
  };
}

// Consumers drop repeats by this number, which exists only once the row is written.
function numbered(event: StoredEvent): Buffer {
  const message = LedgerEvent.decode(event.value);
  return Buffer.from(LedgerEvent.encode({ ...message, eventNo: event.eventNo }).finish());
}

function marks(markMs: bigint): OutRecord[] {
  const value = markRecord(markMs);
  return Array.from({ length: LEDGER_PARTITIONS }, (_, partition) => ({
    topic: TOPICS.channels.name,
    partition,
    key: 'mark',
    value,
  }));
}
