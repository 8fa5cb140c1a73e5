import type { Database, Transaction } from './database.js';

/** A table `outbox` of a schema: events written in the transaction that makes them true. */
export type Outbox<Event extends { readonly eventNo: bigint }> = {
  readonly schema: 'ledger' | 'market';
  /** The oldest events, in the order in which they are to be published. */
  oldest(tx: Transaction, limit: number): Promise<readonly Event[]>;
};

/** What one round has read. */
export type OutboxRound<Event> = {
  /** Oldest first; may be empty. */
  readonly events: readonly Event[];
  /** Everything that was committed before the read is among the events. */
  readonly upToDate: boolean;
  /** The transaction that removes the events. */
  readonly tx: Transaction;
};

const EVENTS_PER_ROUND = 1_000;

/**
 * Publishes what waits in an outbox, in its order and at least once, from one process at a time; removes it once
 * `publish` has resolved. Returns how many events that were, 0 while another process publishes. When `publish`
 * rejects, everything stays and comes again.
 */
export function relayOutbox<Event extends { readonly eventNo: bigint }>(
  database: Database,
  outbox: Outbox<Event>,
  publish: (round: OutboxRound<Event>) => Promise<void>,
): Promise<number> {
  const { schema } = outbox;
  return database.transaction(async (tx) => {
    // Two relays at once would mix up the order.
    const [lock] = await tx.sql<{ leads: boolean }[]>`
      select pg_try_advisory_xact_lock(hashtext(${`swarmledger-${schema}-relay`})) as leads`;
    if (lock?.leads !== true) return 0;
    const events = await outbox.oldest(tx, EVENTS_PER_ROUND);
    await publish({ events, upToDate: events.length < EVENTS_PER_ROUND, tx });
    if (events.length === 0) return 0;
    const eventNos = events.map(({ eventNo }) => eventNo);
    await tx.sql`delete from ${tx.sql(`${schema}.outbox`)}
      where event_no = any(${tx.sql.array(eventNos, 1016)}::bigint[])`;
    return events.length;
  });
}
