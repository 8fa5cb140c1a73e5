import { refuse } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import type { ChannelTable } from '../domain/channel-table.js';
import { KIND, type Outcome, outcomeUnknown } from '../domain/claim.js';
import type { Flush } from '../domain/flush.js';
import { notAccepting } from '../domain/ladder.js';
import { RowMap } from '../domain/row-map.js';
import type { Claims } from './claims.js';
import { FlushRecords } from './flush-records.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter, VoucherLog } from './ports.js';

const NONE = -1;
const PREIMAGE_BYTES = 32;

/** What {@link FlushWriter} is made of. */
export type FlushWriterParts = {
  readonly table: ChannelTable;
  readonly claims: Claims;
  readonly log: VoucherLog;
  readonly clock: Clock;
  readonly meter: IngestMeter;
  readonly logger: Logger;
};

/**
 * Writes flushes to the log, one at a time, and answers their claims. A group with a winner, about to
 * raise its channel, is a *raise*; a raise not yet answered is *pending*.
 */
export class FlushWriter {
  readonly #parts: FlushWriterParts;
  readonly #records: FlushRecords;
  /** Verified and not yet durable, by channel: the number of the highest raise only. */
  readonly #pending = new RowMap();
  readonly #flushes = new Map<number, Flush>();
  #startedMs: number | undefined;

  constructor(parts: FlushWriterParts) {
    this.#parts = parts;
    this.#records = new FlushRecords(parts.table, parts.claims);
  }

  /** True while a write has taken longer than a request may wait. */
  isStalled(nowMs: number): boolean {
    const started = this.#startedMs;
    return started !== undefined && nowMs - started > INGEST_LIMITS.answerWithinMs;
  }

  /** Lets later claims join the raises of this flush. */
  announce(flush: Flush): void {
    this.#flushes.set(flush.number, flush);
    for (let group = 0; group < flush.groups; group++) {
      if (flush.winner[group] === NONE) continue;
      this.#pending.set(flush.row[group] ?? 0, numberOf(flush, group));
    }
  }

  /**
   * Joins a claim to a pending raise of its channel that is at least as high: it shares its fate.
   * False when there is none. What is pending is never taken for durable: if the write fails, the
   * claim is answered so, and counts again when it is sent again.
   */
  join(slot: number, row: number): boolean {
    const raise = this.#pending.get(row);
    if (raise === NONE) return false;
    const flush = this.#flushes.get(Math.floor(raise / INGEST_LIMITS.flushClaimsMax));
    if (flush === undefined) return false;
    const group = raise % INGEST_LIMITS.flushClaimsMax;
    const { columns } = this.#parts.claims;
    if (columns.units(flush.winner[group] ?? NONE) < columns.units(slot)) return false;
    flush.append(group, slot, columns.next);
    return true;
  }

  /** Never rejects: every claim gets its outcome, and the flush may be used again. */
  async write(flush: Flush): Promise<void> {
    const { log, clock, meter, logger } = this.#parts;
    const winners = this.#collect(flush);
    if (winners > 0) {
      const startedMs = this.#nowMs();
      this.#startedMs = startedMs;
      try {
        const offsets = await log.append(this.#records.finish());
        meter.produced((Number(clock.nowMs()) - startedMs) / 1000);
        meter.flushed(this.#acknowledge(flush, offsets), winners);
        failPoint('ingest.before-ack');
      } catch (error) {
        logger.warn({ err: error, channels: winners }, 'a write to the voucher log failed');
        this.#answerAll(flush, outcomeUnknown('the log did not confirm it'));
      } finally {
        this.#startedMs = undefined;
      }
    }
    this.#flushes.delete(flush.number);
    flush.clear();
  }

  // Raises that are still due go into the records; all others are answered at once.
  #collect(flush: Flush): number {
    const nowMs = this.#nowMs();
    let due = 0;
    for (let group = 0; group < flush.groups; group++) {
      const winner = flush.winner[group] ?? NONE;
      if (winner === NONE) continue;
      const refusal = this.#notDue(flush, group, nowMs);
      if (refusal !== undefined) this.#answer(flush, group, refusal);
      else {
        this.#records.add(winner);
        due++;
      }
    }
    return due;
  }

  // The last look before the write. Claims whose deadline passed meanwhile are no reason to write.
  #notDue(flush: Flush, group: number, nowMs: number): Outcome | undefined {
    const { table, claims } = this.#parts;
    const row = flush.row[group] ?? 0;
    if (!table.isFresh(table.partition(row), nowMs)) {
      return refuse('UNAVAILABLE', 'news of channels is late; send it again');
    }
    const closed = notAccepting(table, row, nowMs);
    if (closed !== undefined) return closed;
    if (claims.isListOpen(flush.head[group] ?? NONE)) return undefined;
    return outcomeUnknown('its deadline passed');
  }

  /**
   * A record is durable, so its channels owe the amounts unless a `finalize` stands before it. That
   * is ruled out only while news of closings is fresh; else nobody is told "accepted". Raising the
   * channel is right in either case: SUPERSEDED too is said under fresh news only, and the same
   * reasoning then covers the record written earlier.
   */
  #acknowledge(flush: Flush, offsets: ReadonlyMap<number, bigint>): number {
    const { table, claims } = this.#parts;
    const { columns } = claims;
    const nowMs = this.#nowMs();
    let answered = 0;
    for (let group = 0; group < flush.groups; group++) {
      const winner = flush.winner[group] ?? NONE;
      if (winner === NONE) continue;
      const row = flush.row[group] ?? 0;
      const partition = table.partition(row);
      const offset = offsets.get(partition);
      if (offset === undefined) {
        answered += this.#answer(flush, group, outcomeUnknown('the log named no offset'));
        continue;
      }
      const acceptedUnits = columns.units(winner);
      table.raise(row, acceptedUnits);
      if (columns.kind[winner] === KIND.tick) {
        const preimage = columns.proof(winner, PREIMAGE_BYTES);
        table.advanceTick(row, columns.detail[winner] ?? 0, preimage, acceptedUnits);
      }
      const sure = table.isFresh(partition, nowMs) && table.accepts(row, nowMs);
      answered += this.#answer(
        flush,
        group,
        sure
          ? { ok: true, acceptedUnits, partition, offset }
          : outcomeUnknown('the channel may have closed meanwhile'),
      );
    }
    return answered;
  }

  #answerAll(flush: Flush, outcome: Outcome): void {
    for (let group = 0; group < flush.groups; group++) {
      if (flush.winner[group] !== NONE) this.#answer(flush, group, outcome);
    }
  }

  #answer(flush: Flush, group: number, outcome: Outcome): number {
    const row = flush.row[group] ?? 0;
    if (this.#pending.get(row) === numberOf(flush, group)) this.#pending.delete(row);
    flush.winner[group] = NONE;
    return this.#parts.claims.settleList(flush.head[group] ?? NONE, outcome);
  }

  #nowMs(): number {
    return Number(this.#parts.clock.nowMs());
  }
}

function numberOf(flush: Flush, group: number): number {
  return flush.number * INGEST_LIMITS.flushClaimsMax + group;
}
