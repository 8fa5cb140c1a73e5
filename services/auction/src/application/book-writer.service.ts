import { type InRecord, StaleWriterError } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { MARKET_LIMITS } from '../domain/limits.js';
import { decideRecord, eventsOf, type KnownOrder, type LogCommand } from '../domain/log-record.js';
import type { Order } from '../domain/order.js';
import { OrderBook } from '../domain/order-book.js';
import { decideRound, type Round, release } from '../domain/round.js';
import type {
  BadRecord,
  BookChanges,
  BookRepository,
  Fence,
} from '../repositories/book.repository.js';
import { outboxEvent } from './market-events.js';
import type { MarketMetrics } from './market-metrics.js';
import type { Clock } from './ports.js';

/** A record as decoded, or why it cannot be. */
export type DecodedRecord =
  | { readonly ok: true; readonly command: LogCommand }
  | { readonly ok: false; readonly bad: BadRecord };

/** What writing books needs. */
export type BookWriterDependencies = {
  readonly books: BookRepository;
  readonly decode: (record: InRecord) => DecodedRecord;
  readonly metrics: MarketMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
};

type HeldBook = { fence: Fence; readonly book: OrderBook };

// Swarms written in one transaction: fewer commits, and still a short lock.
const SWARMS_PER_COMMIT = 16;
// How long a process that was fenced off leaves the partition to the other one.
const YIELD_MS = 10_000n;

/**
 * The only writer of the books of its partitions: applies the order log, expires orders and clears
 * rounds. A book lives in memory and in Postgres; it is changed in memory after the commit only, and
 * thrown away and read again after anything that leaves in doubt what was committed.
 */
export class BookWriterService {
  readonly #held = new Map<number, HeldBook>();
  readonly #queues = new Map<number, Promise<unknown>>();
  readonly #yieldUntilMs = new Map<number, bigint>();
  readonly #failures = new Map<number, number>();
  #assigned: ReadonlySet<number> = new Set();

  constructor(private readonly deps: BookWriterDependencies) {}

  /** Kafka has given this process these partitions, and no others. */
  assigned(parts: readonly number[]): void {
    const before = this.#assigned;
    this.#assigned = new Set(parts);
    // What was not held all the time may have been written by somebody else.
    for (const part of this.#held.keys()) {
      if (!this.#assigned.has(part) || !before.has(part)) this.#drop(part);
    }
    for (const part of this.#failures.keys()) {
      if (!this.#assigned.has(part)) this.#failures.delete(part);
    }
    for (const part of parts) this.#yieldUntilMs.delete(part);
  }

  /** The offset that a partition continues from. Takes the partition over if it is not held. */
  nextOffset(part: number): Promise<bigint> {
    return this.#alone(part, async () => (await this.#hold(part)).fence.nextOffset);
  }

  /** Applies records of the order log, each once. Throws StaleWriterError when fenced off. */
  apply(part: number, records: readonly InRecord[]): Promise<void> {
    return this.#alone(part, () => this.#apply(part, records));
  }

  /** Expires orders and clears the due swarms of every partition held; returns the slots matched. */
  async holdRounds(): Promise<number> {
    let matched = 0;
    const nowMs = this.deps.clock();
    for (const part of this.#assigned) {
      if (nowMs < (this.#yieldUntilMs.get(part) ?? 0n)) continue;
      try {
        matched += await this.#alone(part, () => this.#holdRounds(part, nowMs));
        this.#failures.delete(part);
      } catch (error) {
        this.#failures.set(part, (this.#failures.get(part) ?? 0) + 1);
        this.deps.logger.error({ err: error, part }, 'rounds of a partition failed');
      }
    }
    this.deps.metrics.open([...this.#held.values()].map(({ book }) => book));
    return matched;
  }

  /** Throws when a partition's rounds fail again and again; for a readiness check. */
  assertHealthy(): void {
    const [part] = [...this.#failures].find(([, count]) => count >= 3) ?? [];
    if (part !== undefined) throw new Error(`rounds of partition ${part} fail repeatedly`);
  }

  /** Partitions whose books are in memory here. */
  heldPartitions(): number[] {
    return [...this.#held.keys()];
  }

  // One thing at a time per partition: the fence is compared with what the last write left.
  async #alone<T>(part: number, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(part) ?? Promise.resolve();
    const result = before.then(work).catch((error: unknown) => {
      this.#drop(part);
      if (error instanceof StaleWriterError) {
        this.#yieldUntilMs.set(part, this.deps.clock() + YIELD_MS);
      }
      throw error;
    });
    this.#queues.set(
      part,
      result.catch(() => undefined),
    );
    return result;
  }

  #drop(part: number): void {
    this.#held.delete(part);
  }

  async #hold(part: number): Promise<HeldBook> {
    const held = this.#held.get(part);
    if (held !== undefined) return held;
    const { fence, orders } = await this.deps.books.take(part);
    const book = new OrderBook();
    for (const order of orders) book.put(order);
    const taken = { fence, book };
    this.#held.set(part, taken);
    this.deps.logger.info({ part, epoch: fence.epoch, orders: orders.length }, 'book loaded');
    return taken;
  }

  async #apply(part: number, records: readonly InRecord[]): Promise<void> {
    const { books, decode, metrics, logger } = this.deps;
    const held = await this.#hold(part);
    const decoded = records.map(decode);
    const commands = decoded.flatMap((record) => (record.ok ? [record.command] : []));
    const quarantined = decoded.flatMap((record) => (record.ok ? [] : [record.bad]));
    for (const bad of quarantined) {
      logger.error({ part, offset: bad.offset, reason: bad.reason }, 'a record is quarantined');
    }
    const nextOffset = (records.at(-1)?.offset ?? held.fence.nextOffset - 1n) + 1n;
    const changes = await books.commit(held.fence, {
      nextOffset,
      orderIds: commands.map(orderIdOf),
      decide: (known) => decideRecords(commands, known, quarantined),
    });
    held.fence = { ...held.fence, nextOffset };
    for (const { order } of changes.opened) {
      held.book.put(order);
      metrics.order(order.side, 'opened');
    }
    for (const { orderId } of changes.ended) {
      const side = held.book.get(orderId)?.side;
      if (side !== undefined) metrics.order(side, 'cancelled');
      held.book.remove(orderId);
    }
  }

  async #holdRounds(part: number, nowMs: bigint): Promise<number> {
    const stopTimer = this.deps.metrics.timeRounds();
    const held = await this.#hold(part);
    await this.#expire(held, nowMs);
    const swarms = held.book.due();
    let matched = 0;
    for (let at = 0; at < swarms.length; at += SWARMS_PER_COMMIT) {
      matched += await this.#clear(held, swarms.slice(at, at + SWARMS_PER_COMMIT), nowMs);
    }
    stopTimer();
    return matched;
  }

  async #expire(held: HeldBook, nowMs: bigint): Promise<void> {
    const { books, metrics } = this.deps;
    const { part } = held.fence;
    const stranded = await books.stranded(part, nowMs - MARKET_LIMITS.pendingGraceMs);
    const expired = [...held.book.expired(nowMs), ...stranded];
    if (expired.length === 0) return;
    await this.#write(held, {
      ...NO_CHANGES,
      ended: expired.map(({ orderId }) => ({ orderId, state: 'expired' })),
      outbox: expired.flatMap((order) => release(order, 'expired')).map(outboxEvent),
    });
    for (const { orderId, side } of expired) {
      held.book.remove(orderId);
      metrics.order(side, 'expired');
    }
  }

  async #clear(held: HeldBook, swarms: readonly string[], nowMs: bigint): Promise<number> {
    const { books, metrics } = this.deps;
    const numbers = await books.roundNumbers(swarms.length);
    const rounds = swarms.map((swarm, at) => {
      const head = { roundNo: numbers[at] ?? 0n, swarm, clearedAtMs: nowMs };
      return decideRound(head, held.book.entrants(swarm, nowMs));
    });
    const outbox = rounds.flatMap(({ events }) => events).map(outboxEvent);
    await this.#write(held, { ...NO_CHANGES, rounds, outbox });
    for (const round of rounds) this.#settle(held.book, round);
    const matched = rounds.reduce((sum, round) => sum + round.matches.length, 0);
    for (const round of rounds) metrics.round(round.matches.length);
    return matched;
  }

  #settle(book: OrderBook, round: Round): void {
    for (const order of round.orders) {
      if (order.slotsOpen > 0) book.put(order);
      else {
        book.remove(order.orderId);
        this.deps.metrics.order(order.side, 'filled');
      }
    }
    book.settle(round.swarm, round.matches.length > 0);
  }

  async #write({ fence }: HeldBook, changes: BookChanges): Promise<void> {
    await this.deps.books.commit(fence, { nextOffset: fence.nextOffset, decide: () => changes });
  }
}

const NO_CHANGES: BookChanges = { opened: [], ended: [], rounds: [], quarantined: [], outbox: [] };

/** Judges records one after another, each seeing what those before it did. */
function decideRecords(
  commands: readonly LogCommand[],
  stored: ReadonlyMap<string, KnownOrder>,
  quarantined: readonly BadRecord[],
): BookChanges {
  const known = new Map(stored);
  const opened = new Map<string, Extract<LogCommand, { kind: 'place' }>['placed']>();
  const cancelled: Order[] = [];
  const outbox = commands.flatMap((command) => {
    const orderId = orderIdOf(command);
    const effect = decideRecord(command, known.get(orderId));
    if (effect.kind === 'open') {
      const { order, contentHash } = effect.placed;
      opened.set(orderId, effect.placed);
      known.set(orderId, { order, contentHash, state: 'open' });
    }
    if (effect.kind === 'cancel') {
      cancelled.push(effect.order);
      const contentHash = known.get(orderId)?.contentHash ?? new Uint8Array();
      known.set(orderId, { order: effect.order, contentHash, state: 'cancelled' });
    }
    return eventsOf(effect).map(outboxEvent);
  });
  return {
    opened: [...opened.values()],
    ended: cancelled.map(({ orderId }) => ({ orderId, state: 'cancelled' })),
    rounds: [],
    quarantined,
    outbox,
  };
}

function orderIdOf(command: LogCommand): string {
  return command.kind === 'place' ? command.placed.order.orderId : command.orderId;
}
