import type { Database, Sql, TransactionSql } from '#libs/database';
import { toHex } from '#libs/domain';
import type { KnownOrder } from '../domain/log-record.js';
import type { Match } from '../domain/match.js';
import type { Order, OrderState } from '../domain/order.js';
import type { CheckedOrder } from '../domain/order-request.js';

/** Numbers of states in the table, the same as in the proto. */
export const STATE_NUMBERS: Readonly<Record<OrderState, number>> = {
  pending: 1,
  open: 2,
  filled: 3,
  cancelled: 4,
  expired: 5,
};

/** How many orders are live, counted up to a bound. */
export type LiveCounts = { readonly inSwarm: number; readonly ofOwner: number };

/** Orders as the API sees them. It adds and removes pending ones; all else is the book writer's. */
export class OrderRepository {
  constructor(private readonly database: Database) {}

  async find(orderId: Uint8Array): Promise<KnownOrder | undefined> {
    const { sql } = this.database;
    const [row] = await sql<OrderRow[]>`
      select ${orderColumns(sql)} from market.orders where order_id = ${Buffer.from(orderId)}`;
    return row === undefined ? undefined : knownOf(row);
  }

  /** Records an order that is on its way to the log; answers what is stored under its id. */
  async addPending(placed: CheckedOrder, part: number): Promise<KnownOrder> {
    const { sql } = this.database;
    for (;;) {
      const [row] = await sql<OrderRow[]>`
        insert into market.orders ${sql(orderValues(placed, part, 'pending'))}
        on conflict (order_id) do nothing returning ${orderColumns(sql)}`;
      if (row !== undefined) return knownOf(row);
      const known = await this.find(Buffer.from(placed.order.orderId, 'hex'));
      // Between the two statements a refused order of this id may have been removed: then insert again.
      if (known !== undefined) return known;
    }
  }

  /** Forgets an order that was refused before it reached the log. */
  async removePending(placed: CheckedOrder): Promise<void> {
    await this.database.sql`delete from market.orders
      where order_id = ${Buffer.from(placed.order.orderId, 'hex')}
        and content_hash = ${Buffer.from(placed.contentHash)} and state = 1`;
  }

  /** Live orders of a swarm, and of one owner in it; each count stops at its bound. */
  async countLive(order: Order, bounds: LiveCounts): Promise<LiveCounts> {
    const swarm = Buffer.from(order.swarm, 'hex');
    const [row] = await this.database.sql<LiveCounts[]>`
      select
        (select count(*)::int from (select from market.orders
          where swarm = ${swarm} and state in (1, 2) limit ${bounds.inSwarm}) live) as "inSwarm",
        (select count(*)::int from (select from market.orders where swarm = ${swarm}
          and owner = ${order.owner} and state in (1, 2) limit ${bounds.ofOwner}) own) as "ofOwner"`;
    return row ?? { inSwarm: 0, ofOwner: 0 };
  }

  /** Matches of an order, oldest first. */
  async matchesOf(order: Order): Promise<Match[]> {
    const { sql } = this.database;
    const id = Buffer.from(order.orderId, 'hex');
    const rows = await sql<MatchRow[]>`
      select ${matchColumns(sql)} from market.matches
      where ${order.side === 'ask' ? sql`ask_id` : sql`bid_id`} = ${id}
      order by round_no, line limit 1000`;
    return rows.map(matchOfRow);
  }
}

/** A row of `market.orders`. */
export type OrderRow = {
  readonly orderId: Buffer;
  readonly contentHash: Buffer;
  readonly side: number;
  readonly owner: string;
  readonly swarm: Buffer;
  readonly slots: number;
  readonly slotsOpen: number;
  readonly slotRateMib: number;
  readonly priceUnits: bigint;
  readonly volumeMib: bigint;
  readonly budgetUnits: bigint;
  readonly state: number;
  readonly atMs: bigint;
  readonly expiresAtMs: bigint;
};

/** The columns of an {@link OrderRow}. */
export function orderColumns(sql: Sql | TransactionSql) {
  return sql`order_id as "orderId", content_hash as "contentHash", side, owner, swarm, slots,
    slots_open as "slotsOpen", slot_rate_mib as "slotRateMib", price_units as "priceUnits",
    volume_mib as "volumeMib", budget_units as "budgetUnits", state, at_ms as "atMs",
    expires_at_ms as "expiresAtMs"`;
}

/** An order as values for an insert. */
export function orderValues(placed: CheckedOrder, part: number, state: OrderState) {
  const { order } = placed;
  return {
    order_id: Buffer.from(order.orderId, 'hex'),
    part,
    content_hash: Buffer.from(placed.contentHash),
    side: order.side === 'ask' ? 1 : 2,
    owner: order.owner,
    swarm: Buffer.from(order.swarm, 'hex'),
    slots: order.slots,
    slots_open: order.slotsOpen,
    slot_rate_mib: order.side === 'ask' ? order.slotRateMib : 0,
    price_units: order.priceUnits,
    volume_mib: order.side === 'bid' ? order.volumeMib : 0n,
    budget_units: order.side === 'bid' ? order.budgetUnits : 0n,
    state: STATE_NUMBERS[state],
    at_ms: order.atMs,
    expires_at_ms: order.expiresAtMs,
  };
}

/** The order of a row. Whom a bid has met is in the matches, and is given by who knows them. */
export function knownOf(row: OrderRow, met: readonly string[] = []): KnownOrder {
  const fields = {
    orderId: toHex(row.orderId),
    owner: row.owner,
    swarm: toHex(row.swarm),
    slots: row.slots,
    slotsOpen: row.slotsOpen,
    priceUnits: row.priceUnits,
    atMs: row.atMs,
    expiresAtMs: row.expiresAtMs,
  };
  const { slotRateMib, volumeMib, budgetUnits } = row;
  const order: Order =
    row.side === 1
      ? { ...fields, side: 'ask', slotRateMib }
      : { ...fields, side: 'bid', volumeMib, budgetUnits, met };
  return { order, state: stateOf(row.state), contentHash: row.contentHash };
}

function stateOf(number: number): OrderState {
  const states = Object.keys(STATE_NUMBERS) as OrderState[];
  const state = states.find((name) => STATE_NUMBERS[name] === number);
  if (state === undefined) throw new Error(`order state ${number} is unknown`);
  return state;
}

/** A row of `market.matches`. */
export type MatchRow = Omit<Match, 'matchId' | 'askId' | 'bidId' | 'swarm' | 'channelId'> & {
  readonly matchId: Buffer;
  readonly askId: Buffer;
  readonly bidId: Buffer;
  readonly swarm: Buffer;
  readonly channelId: Buffer;
};

/** The columns of a {@link MatchRow}. */
export function matchColumns(sql: Sql | TransactionSql) {
  return sql`match_id as "matchId", round_no as "roundNo", ask_id as "askId", bid_id as "bidId",
    provider, requester, swarm, price_units as "priceUnits", volume_mib as "volumeMib",
    slot_rate_mib as "slotRateMib", channel_id as "channelId", deposit_units as "depositUnits"`;
}

/** The match of a row. */
export function matchOfRow(row: MatchRow): Match {
  return {
    ...row,
    matchId: toHex(row.matchId),
    askId: toHex(row.askId),
    bidId: toHex(row.bidId),
    swarm: toHex(row.swarm),
    channelId: toHex(row.channelId),
  };
}
