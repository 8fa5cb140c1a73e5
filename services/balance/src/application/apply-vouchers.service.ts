import { decodeLogRecord, type LogEntry, LogFormatError, TOPICS } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { type InRecord, StaleWriterError } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { type LogSegment, segmentsOf } from '../domain/log-segments.js';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { LogPosition, LogRepository } from '../repositories/log.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { channelEvents, ledgerEvent } from './events.js';

const TOPIC = TOPICS.vouchers.name;

/** What one application did, for metrics. */
export type Applied = {
  readonly records: number;
  readonly channels: number;
  readonly units: bigint;
  readonly quarantined: number;
};

/**
 * Applies the voucher log to the books: records, balances, journal, events and the next offset in one
 * transaction per call. This is the plain form: whatever is made faster must leave the same state.
 */
export class ApplyVouchersService {
  constructor(
    private readonly database: Database,
    private readonly log: LogRepository,
    private readonly channels: ChannelRepository,
    private readonly outbox: OutboxRepository,
    private readonly context: { readonly clock: Clock; readonly logger: Logger },
  ) {}

  nextOffset(part: number): Promise<bigint> {
    return this.log.nextOffset(TOPIC, part);
  }

  /** Applies records of one partition that follow on its next offset. Throws StaleWriterError when they do not. */
  async apply(part: number, records: readonly InRecord[]): Promise<Applied> {
    const first = records[0];
    const last = records.at(-1);
    if (first === undefined || last === undefined) {
      return { records: 0, channels: 0, units: 0n, quarantined: 0 };
    }
    const atMs = this.context.clock();
    return this.database.transaction(async (tx) => {
      const offsets = { expected: first.offset, next: last.offset + 1n };
      if (!(await this.log.advance(tx, TOPIC, part, offsets))) {
        throw new StaleWriterError(`partition ${part} was applied elsewhere`);
      }
      const { entries, poisoned } = decode(records);
      for (const { offset, content, reason } of poisoned) {
        await this.#quarantine(tx, { part, offset, line: 0, reason, content, atMs });
      }
      const position = { part, entryNo: first.offset, line: 0, atMs };
      let [line, channels, units, quarantined] = [0, 0, 0n, poisoned.length];
      for (const segment of segmentsOf(entries)) {
        const done = await this.#applySegment(tx, { ...position, line }, segment);
        line += done.lines;
        channels += done.channels;
        units += done.units;
        quarantined += done.quarantined;
      }
      const flush = { partition: part, nextOffset: offsets.next, channels, units };
      await this.outbox.add(tx, [
        ledgerEvent(Buffer.from(`partition-${part}`), { $case: 'flush', value: flush }, atMs),
      ]);
      return { records: records.length, channels, units, quarantined };
    });
  }

  async #applySegment(tx: Transaction, at: LogPosition, segment: LogSegment<LogEntry>) {
    const claims = await this.log.applyClaims(tx, at, segment.claims);
    for (const { entry, reason } of claims.impossible) {
      const content = Buffer.from(describe(entry));
      await this.#quarantine(tx, {
        part: at.part,
        offset: at.entryNo,
        line: at.line,
        reason,
        content,
        atMs: at.atMs,
      });
    }
    const finalized = await this.log.applyFinalized(
      tx,
      { ...at, line: at.line + claims.channels },
      segment.finalized,
    );
    const numbers = finalized.map(({ channelNo }) => channelNo);
    if (numbers.length > 0) {
      const closed = await this.channels.byNumbers(tx, at.part, numbers);
      await this.outbox.add(
        tx,
        closed.flatMap((channel) => channelEvents(channel, at.atMs)),
      );
    }
    return {
      lines: claims.channels + finalized.length,
      channels: claims.channels,
      units: claims.units,
      quarantined: claims.impossible.length,
    };
  }

  async #quarantine(
    tx: Transaction,
    item: {
      part: number;
      offset: bigint;
      line: number;
      reason: string;
      content: Buffer;
      atMs: bigint;
    },
  ): Promise<void> {
    this.context.logger.error(
      { part: item.part, offset: item.offset, reason: item.reason },
      'a logged voucher cannot be applied and is quarantined',
    );
    await this.log.quarantine(tx, { topic: TOPIC, ...item });
  }
}

function decode(records: readonly InRecord[]) {
  const entries: LogEntry[] = [];
  const poisoned: { offset: bigint; content: Buffer; reason: string }[] = [];
  for (const { offset, value } of records) {
    const content = value ?? Buffer.alloc(0);
    try {
      entries.push(...decodeLogRecord(content));
    } catch (error) {
      if (!(error instanceof LogFormatError)) throw error;
      poisoned.push({ offset, content, reason: error.message });
    }
  }
  return { entries, poisoned };
}

function describe(entry: LogEntry): string {
  return JSON.stringify({
    kind: entry.kind,
    channelNo: String(entry.channelNo),
    cumulativeUnits: String(entry.cumulativeUnits),
    detail: String(entry.detail),
    proof: Buffer.from(entry.proof).toString('hex'),
  });
}
