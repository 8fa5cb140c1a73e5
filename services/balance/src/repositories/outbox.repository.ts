import type { Database, Outbox, Transaction } from '#libs/database';

/** An event waiting to be published. */
export type OutboxEvent = {
  readonly topic: string;
  readonly part: number | null;
  readonly key: Buffer;
  readonly value: Buffer;
  /** Set when publishing it stops the vouchers of a closing channel. */
  readonly closingChannelNo?: bigint | undefined;
};

/** A stored event. */
export type StoredEvent = OutboxEvent & { readonly eventNo: bigint };

/** Events written in the transaction that makes them true, and read by the relay. */
export class OutboxRepository implements Outbox<StoredEvent> {
  readonly schema = 'ledger';

  constructor(private readonly database: Database) {}

  async add(tx: Transaction, events: readonly OutboxEvent[]): Promise<void> {
    if (events.length === 0) return;
    await tx.sql`insert into ledger.outbox ${tx.sql(
      events.map((event) => ({
        topic: event.topic,
        part: event.part,
        key: event.key,
        value: event.value,
        closing_channel_no: event.closingChannelNo ?? null,
      })),
    )}`;
  }

  /** The oldest events. */
  oldest(tx: Transaction, limit: number): Promise<StoredEvent[]> {
    return tx.sql<StoredEvent[]>`
      select event_no as "eventNo", topic, part, key, value,
        closing_channel_no as "closingChannelNo"
      from ledger.outbox order by event_no limit ${limit}`;
  }

  async size(): Promise<number> {
    const [row] = await this.database.sql<{ size: number }[]>`
      select count(*)::int as size from ledger.outbox`;
    return row?.size ?? 0;
  }
}
