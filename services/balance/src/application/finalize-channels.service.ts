import { encodeLogRecord, type LogEntry, TOPICS } from '#libs/contracts';
import type { Database } from '#libs/database';
import type { Producer } from '#libs/kafka';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { Clock } from './clock.js';

/**
 * How long after a closing is published (and over) its finalize is written. Ingest acknowledges only
 * on a view younger than 2 s, so the rest is room for clocks that disagree.
 */
export const CLOSING_GRACE_MS = 5_000n;
const RETRY_MS = 30_000n;
const CHANNELS_PER_ROUND = 1_000;

/** Writes the end of closing channels into the voucher log, behind every voucher that counts. */
export class FinalizeChannelsService {
  constructor(
    private readonly database: Database,
    private readonly channels: ChannelRepository,
    private readonly producer: Producer,
    private readonly clock: Clock,
  ) {}

  /** Finalizes what is due; returns how many channels. A repeat is harmless: the log applies it once. */
  async round(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const nowMs = this.clock();
      const due = await this.channels.takeFinalizable(
        tx,
        {
          nowMs,
          settledBeforeMs: nowMs - CLOSING_GRACE_MS,
          retryBeforeMs: nowMs - RETRY_MS,
        },
        CHANNELS_PER_ROUND,
      );
      if (due.length === 0) return 0;
      const byPart = Map.groupBy(due, ({ part }) => part);
      await this.producer.send(
        [...byPart].map(([partition, channels]) => ({
          topic: TOPICS.vouchers.name,
          partition,
          key: null,
          value: encodeLogRecord(channels.map(({ channelNo }) => finalizeEntry(channelNo))),
        })),
      );
      return due.length;
    });
  }
}

function finalizeEntry(channelNo: bigint): LogEntry {
  return {
    kind: 'finalize',
    channelNo,
    cumulativeUnits: 0n,
    detail: 0n,
    proof: new Uint8Array(0),
  };
}
