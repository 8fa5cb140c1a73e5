import { LEDGER_PARTITIONS, LedgerEvent, TOPICS } from '#libs/contracts';
import { type Database, relayOutbox, type Transaction } from '#libs/database';
import type { OutRecord, Producer } from '#libs/kafka';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { OutboxRepository, StoredEvent } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { markRecord } from './events.js';

const MARK_EVERY_MS = 250n;

/**
 * Publishes events in the order they were written, at least once, from one process at a time. While
 * it is up to date it also writes marks into the `channels` topic: ingest acknowledges vouchers only
 * while it sees fresh ones, which is why a channel's end can never overtake an acknowledgement. No marks
 * are written while `mayMark` says no: then nothing that is posted is acknowledged.
 */
export class OutboxRelayService {
  #markedAtMs = 0n;

  constructor(
    private readonly database: Database,
    private readonly outbox: OutboxRepository,
    private readonly channels: ChannelRepository,
    private readonly producer: Producer,
    private readonly clock: Clock,
    private readonly mayMark: () => boolean,
  ) {}

  /** Publishes what waits; returns how many events that were. */
  async round(): Promise<number> {
    // Taken before the read: what commits later is not covered by this round's mark.
    const readAtMs = this.clock();
    return relayOutbox(this.database, this.outbox, async ({ events, upToDate, tx }) => {
      const records = events.map(toRecord);
      const mark = upToDate && this.mayMark() && readAtMs >= this.#markedAtMs + MARK_EVERY_MS;
      if (mark) records.push(...marks(readAtMs));
      if (records.length === 0) return;
      await this.producer.send(records);
      if (mark) this.#markedAtMs = readAtMs;
      await this.#noteClosing(tx, events);
    });
  }

  async #noteClosing(tx: Transaction, events: readonly StoredEvent[]): Promise<void> {
    // News of a channel goes to the partition that the channel is in.
    const closing = events.flatMap(({ part, closingChannelNo }) =>
      part === null || closingChannelNo == null ? [] : [{ part, closingChannelNo }],
    );
    for (const [part, channels] of Map.groupBy(closing, ({ part }) => part)) {
      const numbers = channels.map(({ closingChannelNo }) => closingChannelNo);
      await this.channels.markClosingPublished(tx, part, numbers, this.clock());
    }
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

// A repeat carries the same number, which exists only once the row is written.
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
