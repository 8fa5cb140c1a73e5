import type { Database, Transaction } from '#libs/database';
import { toHex } from '#libs/domain';
import { StaleWriterError } from '#libs/kafka';
import type { KnownOrder } from '../domain/log-record.js';
import type { Order, OrderState } from '../domain/order.js';
import type { CheckedOrder } from '../domain/order-request.js';
import type { Round } from '../domain/round.js';
import {
  knownOf,
  type OrderRow,
  orderColumns,
  orderValues,
  STATE_NUMBERS,
} from './order.repository.js';
import type { OutboxEvent } from './outbox.repository.js';

/** What a writer must still hold when it writes: its epoch, and the offset it has reached. */
export type Fence = { readonly part: number; readonly epoch: bigint; readonly nextOffset: bigint };

/** A partition's book as stored. */
export type StoredBook = { readonly fence: Fence; readonly orders: readonly Order[] };

/** A record that cannot be read. */
export type BadRecord = {
  readonly offset: bigint;
  readonly reason: string;
  readonly content: Buffer;
  readonly atMs: bigint;
};

/** What one transaction changes in a book. */
export type BookChanges = {
  readonly opened: readonly CheckedOrder[];
  readonly ended: readonly { readonly orderId: string; readonly state: OrderState }[];
  readonly rounds: readonly Round[];
  readonly quarantined: readonly BadRecord[];
  readonly outbox: readonly OutboxEvent[];
};

/** The writer's side of the market: every write goes through the partition's fence. */
export class BookRepository {
  constructor(
    private readonly database: Database,
    private readonly topic: string,
  ) {}

  /**
   * Takes a partition over: raises its epoch, so that nobody else can write any more, and reads the
   * open orders. The row lock makes this wait for a write under way and see all of it.
   */
  async take(part: number): Promise<StoredBook> {
    return this.database.transaction(async ({ sql }) => {
      const [row] = await sql<{ epoch: bigint; nextOffset: bigint }[]>`
        update market.log_offsets set epoch = epoch + 1
        where topic = ${this.topic} and part = ${part}
        returning epoch, next_offset as "nextOffset"`;
      if (row === undefined) throw new Error(`partition ${part} of ${this.topic} has no row`);
      const rows = await sql<OrderRow[]>`
        select ${orderColumns(sql)} from market.orders where part = ${part} and state = 2`;
      const met = await sql<{ bidId: Buffer; provider: string }[]>`
        select bid_id as "bidId", provider from market.matches
        join market.orders on order_id = bid_id where part = ${part} and state = 2`;
      const metBy = Map.groupBy(met, ({ bidId }) => toHex(bidId));
      const orders = rows.map((order) => {
        const providers = metBy.get(toHex(order.orderId)) ?? [];
        return knownOf(
          order,
          providers.map(({ provider }) => provider),
        ).order;
      });
      return { fence: { part, ...row }, orders };
    });
  }

  /** Numbers for some rounds; a round that is not written leaves a gap. */
  async roundNumbers(count: number): Promise<bigint[]> {
    const rows = await this.database.sql<{ roundNo: bigint }[]>`
      select nextval('market.round_numbers') as "roundNo" from generate_series(1, ${count})`;
    return rows.map(({ roundNo }) => roundNo);
  }

  /** Orders that never reached the log although their time, and more, is over. */
  async stranded(part: number, expiredBeforeMs: bigint): Promise<Order[]> {
    const { sql } = this.database;
    const rows = await sql<OrderRow[]>`
      select ${orderColumns(sql)} from market.orders
      where part = ${part} and state = 1 and expires_at_ms < ${expiredBeforeMs} limit 500`;
    return rows.map((row) => knownOf(row).order);
  }

  /**
   * Writes changes in one transaction, if the fence still stands, and moves it to an offset. What to
   * change is decided inside, from the stored orders with the ids given.
   * @throws StaleWriterError when another process has taken the partition; nothing is written then.
   */
  async commit<T extends BookChanges>(
    fence: Fence,
    write: {
      readonly nextOffset: bigint;
      readonly orderIds?: readonly string[];
      readonly decide: (known: ReadonlyMap<string, KnownOrder>) => T;
    },
  ): Promise<T> {
    return this.database.transaction(async (tx) => {
      const moved = await tx.sql`
        update market.log_offsets set next_offset = ${write.nextOffset}
        where topic = ${this.topic} and part = ${fence.part}
          and epoch = ${fence.epoch} and next_offset = ${fence.nextOffset}`;
      if (moved.count !== 1) {
        throw new StaleWriterError(`another process writes partition ${fence.part} now`);
      }
      const changes = write.decide(await this.#known(tx, write.orderIds ?? []));
      await this.#write(tx, fence.part, changes);
      return changes;
    });
  }

  async #known({ sql }: Transaction, orderIds: readonly string[]) {
    if (orderIds.length === 0) return new Map<string, KnownOrder>();
    const rows = await sql<OrderRow[]>`
      select ${orderColumns(sql)} from market.orders
      where order_id in (select decode(id, 'hex') from unnest(${[...orderIds]}::text[]) id)`;
    return new Map(rows.map((row) => [toHex(row.orderId), knownOf(row)]));
  }

  async #write(tx: Transaction, part: number, changes: BookChanges): Promise<void> {
    const { sql } = tx;
    const { opened, ended, rounds, quarantined, outbox } = changes;
    if (opened.length > 0) await this.#openOrders(tx, part, opened);
    await this.#endOrders(tx, ended);
    if (rounds.length > 0) await this.#writeRounds(tx, part, rounds);
    if (quarantined.length > 0) {
      const rows = quarantined.map(({ offset, reason, content, atMs }) => {
        return { topic: this.topic, part, log_offset: offset, reason, content, at_ms: atMs };
      });
      await sql`insert into market.quarantine ${sql(rows)}`;
    }
    // Each row has four parameters and a statement at most 65 535.
    for (let at = 0; at < outbox.length; at += 10_000) {
      await sql`insert into market.outbox ${sql(outbox.slice(at, at + 10_000))}`;
    }
  }

  // An order that the API has recorded is pending there; one that it gave up on is not there at all.
  async #openOrders({ sql }: Transaction, part: number, opened: readonly CheckedOrder[]) {
    const written = await sql`insert into market.orders
      ${sql(opened.map((placed) => orderValues(placed, part, 'open')))}
      on conflict (order_id) do update set state = 2, at_ms = excluded.at_ms
      where orders.state = 1 and orders.content_hash = excluded.content_hash`;
    // The API recorded something under one of these ids since they were read: judge them again.
    if (written.count !== opened.length) throw new Error('an order changed while it was opened');
  }

  async #endOrders({ sql }: Transaction, ended: BookChanges['ended']): Promise<void> {
    if (ended.length === 0) return;
    const rows = ended.map(({ orderId, state }) => ({ orderId, state: STATE_NUMBERS[state] }));
    await sql`update market.orders set state = ended.state
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
        as ended ("orderId" text, state smallint)
      where order_id = decode(ended."orderId", 'hex') and orders.state in (1, 2)`;
  }

  async #writeRounds({ sql }: Transaction, part: number, rounds: readonly Round[]): Promise<void> {
    const rows = rounds.map((round) => ({
      round_no: round.roundNo,
      part,
      swarm: Buffer.from(round.swarm, 'hex'),
      cleared_at_ms: round.clearedAtMs,
      price_units: round.priceUnits,
      slots_matched: round.matches.length,
      transcript: round.transcript,
      transcript_hash: Buffer.from(round.transcriptHash, 'hex'),
    }));
    await sql`insert into market.rounds ${sql(rows)}`;
    // As JSON, since thousands of matches would be tens of thousands of parameters.
    const matches = rounds.flatMap((round) =>
      round.matches.map((match, line) => ({ ...match, line })),
    );
    await sql`insert into market.matches
      select decode("matchId", 'hex'), "roundNo", line, decode("askId", 'hex'),
        decode("bidId", 'hex'), provider, requester, decode(swarm, 'hex'), "priceUnits",
        "volumeMib", "slotRateMib", decode("channelId", 'hex'), "depositUnits"
      from jsonb_to_recordset(${toJson(matches)}::text::jsonb) as match (
        "matchId" text, "roundNo" bigint, line integer, "askId" text, "bidId" text,
        provider text, requester text, swarm text, "priceUnits" bigint, "volumeMib" bigint,
        "slotRateMib" integer, "channelId" text, "depositUnits" bigint)`;
    const orders = rounds.flatMap((round) =>
      round.orders.map(({ orderId, slotsOpen }) => ({ orderId, slotsOpen })),
    );
    await sql`update market.orders
      set slots_open = after."slotsOpen",
        state = case when after."slotsOpen" = 0 then 3 else orders.state end
      from jsonb_to_recordset(${JSON.stringify(orders)}::text::jsonb)
        as after ("orderId" text, "slotsOpen" integer)
      where order_id = decode(after."orderId", 'hex') and orders.state = 2`;
  }
}

function toJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
