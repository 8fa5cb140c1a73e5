import { createHash } from 'node:crypto';
import { LogFormatError, TOPICS } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import type { Units } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import { type InRecord, StaleWriterError } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { type ChainLink, linkAfter, NO_TOTALS, netOf } from '../domain/flush-chain.js';
import type { BundleRepository } from '../repositories/bundle.repository.js';
import type { ChainRepository } from '../repositories/chain.repository.js';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { Merged } from '../repositories/flush.repository.js';
import type { LogPosition, LogRepository } from '../repositories/log.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import { type Claim, describeClaim } from '../voucher-log/claim.js';
import type { Clock } from './clock.js';
import { channelEvents, ledgerEvent } from './events.js';

const TOPIC = TOPICS.vouchers.name;

/** What applying the voucher log needs. */
export type FlushDependencies = {
  readonly database: Database;
  readonly log: LogRepository;
  readonly bundles: BundleRepository;
  readonly chain: ChainRepository;
  readonly channels: ChannelRepository;
  readonly outbox: OutboxRepository;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** What one application did, for metrics. */
export type Applied = {
  readonly records: number;
  readonly channels: number;
  readonly units: Units;
  readonly quarantined: number;
};

/**
 * One flush: records of a partition become postings, balances, a link of the chain, events and the next
 * offset, all in one transaction. How claims are booked is up to the caller of {@link applyFlush}.
 */
export class Flush {
  #line = 0;
  #channels = 0;
  #units = 0n;
  #closed = 0n;
  #returnedUnits = 0n;
  #quarantined = 0;
  /** Canonical bytes of the postings, in order; or their hash, when one statement wrote them all. */
  readonly #postings: Buffer[] = [];
  #postingsHash: Buffer | undefined;

  constructor(
    readonly tx: Transaction,
    readonly part: number,
    private readonly place: { readonly entryNo: bigint; readonly atMs: bigint },
    private readonly head: ChainLink,
    private readonly deps: FlushDependencies,
  ) {}

  /** Number of this flush within its part. */
  get flushNo(): bigint {
    return this.head.flushNo + 1n;
  }

  /** Where the next posting goes. */
  get position(): LogPosition {
    return { part: this.part, ...this.place, line: this.#line };
  }

  /** Counts what was booked in sets. */
  addMerged(merged: Merged, form: 'bytes' | 'hash'): void {
    if (form === 'hash') this.#postingsHash = merged.postings;
    else this.#postings.push(merged.postings);
    this.#line += merged.channels;
    this.#channels += merged.channels;
    this.#units += merged.units;
  }

  /** Books a claim by itself; what cannot be booked goes into quarantine. */
  async applyClaim(claim: Claim): Promise<void> {
    const { log, bundles } = this.deps;
    const applied = await log.applyClaim(this.tx, this.position, claim);
    if (applied.outcome === 'covered') return;
    if (applied.outcome === 'impossible') {
      const content = Buffer.from(describeClaim(claim));
      await this.quarantine({ ...claim, reason: applied.reason, content });
      return;
    }
    if (applied.releasedBundleNo !== null) {
      await bundles.release(this.tx, this.part, applied.releasedBundleNo);
    }
    if (claim.bundle !== undefined) {
      await bundles.keep(this.tx, this.part, [{ bundle: claim.bundle, channels: 1 }]);
    }
    this.#postings.push(applied.posting);
    this.#line += 1;
    this.#channels += 1;
    this.#units += applied.units;
  }

  /** Ends channels and gives their remainders back. */
  async finalize(channelNos: readonly bigint[]): Promise<void> {
    const { log, channels, outbox } = this.deps;
    const closed = await log.applyFinalized(this.tx, this.position, channelNos);
    if (closed.length === 0) return;
    for (const { remainderUnits, posting } of closed) {
      this.#closed += 1n;
      if (posting === null) continue;
      this.#postings.push(posting);
      this.#line += 1;
      this.#returnedUnits += remainderUnits;
    }
    const numbers = closed.map(({ channelNo }) => channelNo);
    const stored = await channels.byNumbers(this.tx, this.part, numbers);
    const events = stored.flatMap((channel) => channelEvents(channel, this.place.atMs));
    await outbox.add(this.tx, events);
  }

  /** Keeps what cannot be applied, and says so. */
  async quarantine(item: {
    offset: bigint;
    line: number;
    reason: string;
    content: Buffer;
  }): Promise<void> {
    const { offset, line, reason, content } = item;
    this.deps.logger.error(
      { part: this.part, offset, line, reason },
      'a logged voucher cannot be applied and is quarantined',
    );
    this.#quarantined += 1;
    const { part } = this;
    const { atMs } = this.place;
    await this.deps.log.quarantine(this.tx, {
      topic: TOPIC,
      part,
      offset,
      line,
      reason,
      content,
      atMs,
    });
  }

  /** Chains the flush to the one before and tells readers of events. */
  async finish(nextOffset: bigint, records: number): Promise<Applied> {
    const { chain, outbox } = this.deps;
    const { entryNo, atMs } = this.place;
    const [channels, units] = [this.#channels, this.#units];
    const link = linkAfter(this.head, {
      firstOffset: entryNo,
      nextOffset,
      operations: [],
      atMs,
      postings: BigInt(this.#line),
      units,
      postingsHash: await this.#hash(),
      adds: {
        ...NO_TOTALS,
        closed: this.#closed,
        netUnits: netOf('channel', 'available', units + this.#returnedUnits),
      },
    });
    await chain.append(this.tx, link);
    const flush = { partition: this.part, nextOffset, channels, units };
    const event = { $case: 'flush' as const, value: flush };
    await outbox.add(this.tx, [ledgerEvent(Buffer.from(`partition-${this.part}`), event, atMs)]);
    return { records, channels, units, quarantined: this.#quarantined };
  }

  async #hash(): Promise<Buffer> {
    if (this.#postingsHash === undefined) return sha256(this.#postings);
    // A few claims had to be booked one by one after all: read back what stands there now.
    return this.#postings.length === 0
      ? this.#postingsHash
      : this.deps.log.postingsHash(this.tx, this.position);
  }
}

/**
 * Applies records of one partition that follow on its next offset, each flush once: throws a
 * StaleWriterError, with nothing left of it, when they do not.
 */
export async function applyFlush(
  deps: FlushDependencies,
  part: number,
  records: readonly InRecord[],
  book: (flush: Flush, records: readonly InRecord[]) => Promise<void>,
): Promise<Applied> {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) {
    return { records: 0, channels: 0, units: 0n, quarantined: 0 };
  }
  failPoint('balance.after-poll');
  const atMs = deps.clock();
  const applied = await deps.database.transaction(async (tx) => {
    const offsets = { expected: first.offset, next: last.offset + 1n };
    if (!(await deps.log.advance(tx, TOPIC, part, offsets))) {
      throw new StaleWriterError(`partition ${part} was applied elsewhere`);
    }
    const head = await deps.chain.head(tx.sql, part);
    const flush = new Flush(tx, part, { entryNo: first.offset, atMs }, head, deps);
    await book(flush, records);
    const done = await flush.finish(offsets.next, records.length);
    failPoint('balance.before-commit');
    return done;
  });
  failPoint('balance.after-commit');
  return applied;
}

/** Hands over the content of a record; one that cannot be read goes into quarantine. */
export async function readOrQuarantine(
  flush: Flush,
  { offset, value }: InRecord,
  read: (content: Buffer) => void,
): Promise<void> {
  const content = value ?? Buffer.alloc(0);
  try {
    read(content);
  } catch (error) {
    if (!(error instanceof LogFormatError)) throw error;
    await flush.quarantine({ offset, line: 0, reason: error.message, content });
  }
}

function sha256(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
