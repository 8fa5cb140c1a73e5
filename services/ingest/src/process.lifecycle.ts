import { setTimeout as sleep } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Flusher } from './application/flusher.js';
import type { Clock } from './application/ports.js';
import type { ProofVerifier } from './crypto/proof-verifier.js';
import type { ChannelTable } from './domain/channel-table.js';
import type { BooksClient } from './grpc/books.client.js';
import type { PrometheusMeter } from './ingest.meter.js';
import type { ChannelsConsumer } from './kafka/channels.consumer.js';
import type { KafkaVoucherLog } from './kafka/kafka.voucher-log.js';

// All answers are out by then; a Kafka that is away is not waited for to say goodbye.
const GOODBYE_MS = 2_000;

/** What {@link ProcessLifecycle} starts and stops. */
export type ProcessParts = {
  readonly channels: ChannelsConsumer;
  readonly log: KafkaVoucherLog;
  readonly flusher: Flusher;
  readonly verifier: ProofVerifier;
  readonly books: BooksClient;
  readonly table: ChannelTable;
  readonly meter: PrometheusMeter;
  readonly clock: Clock;
};

/**
 * Starts the process's own activity without waiting for Kafka: while it is away requests are
 * answered with UNAVAILABLE and readiness says why. Stops it after the last answer is out.
 */
export class ProcessLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: ProcessParts;
  #ticker: NodeJS.Timeout | undefined;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
  }

  onApplicationBootstrap(): void {
    const { channels, log, flusher, table, meter, clock } = this.#parts;
    flusher.start();
    void channels.run();
    void log.connect();
    this.#ticker = setInterval(
      () => meter.view(table.marks.ageMs(Number(clock.nowMs())), table.size, table.held),
      1_000,
    );
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#ticker);
    const { books, channels, log, verifier } = this.#parts;
    books.close();
    const stopped = Promise.allSettled([channels.stop(), log.stop(), verifier.close()]);
    await Promise.race([stopped, sleep(GOODBYE_MS, undefined, { ref: false })]);
  }
}
