import type { Outbox, Transaction } from '#libs/database';

/** An event waiting to be published. */
export type OutboxEvent = {
  readonly topic: string;
  readonly part: number;
  readonly key: Buffer;
  readonly value: Buffer;
};

/** An event with its place in the order of publication. */
export type StoredEvent = OutboxEvent & { readonly eventNo: bigint };

/** Events that the book writer stored with its changes, for the relay. */
export class OutboxRepository implements Outbox<StoredEvent> {
  readonly schema = 'market';

  /** The oldest events. A number is given under the lock of its partition, so a bid's are in order. */
  async oldest(tx: Transaction, limit: number): Promise<StoredEvent[]> {
    return tx.sql<StoredEvent[]>`
      select event_no as "eventNo", topic, part, key, value
      from market.outbox order by event_no limit ${limit}`;
  }
}
