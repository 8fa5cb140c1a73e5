import type { Transaction } from '#libs/database';

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
export class OutboxRepository {
  /** True when this transaction alone may publish: two relays would mix up the order. */
  async lead(tx: Transaction): Promise<boolean> {
    const [row] = await tx.sql<{ leads: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtext('swarmledger-market-relay')) as leads`;
    return row?.leads ?? false;
  }

  /** The oldest events. A number is given under the lock of its partition, so a bid's are in order. */
  async oldest(tx: Transaction, limit: number): Promise<StoredEvent[]> {
    return tx.sql<StoredEvent[]>`
      select event_no as "eventNo", topic, part, key, value
      from market.outbox order by event_no limit ${limit}`;
  }

  async remove(tx: Transaction, eventNos: readonly bigint[]): Promise<void> {
    await tx.sql`delete from market.outbox
      where event_no = any(${tx.sql.array([...eventNos], 1016)}::bigint[])`;
  }
}
