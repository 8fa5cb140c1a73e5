import { setTimeout as sleep } from 'node:timers/promises';
import type { ProofVerifier } from '../crypto/proof-verifier.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { Flush } from '../domain/flush.js';
import { ClaimQueue } from './claim-queue.js';
import type { Claims } from './claims.js';
import { FlushGatherer } from './flush-gatherer.js';
import { FlushJudge } from './flush-judge.js';
import type { FlushWriter } from './flush-writer.js';
import { Footholds } from './footholds.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter } from './ports.js';
import { ProofCollector } from './proof-collector.js';

/** What a {@link Flusher} is made of; `windowMs` is how long a lone flush waits for company. */
export type FlusherParts = {
  readonly table: ChannelTable;
  readonly claims: Claims;
  readonly verifier: ProofVerifier;
  readonly writer: FlushWriter;
  readonly clock: Clock;
  readonly meter: IngestMeter;
  readonly windowMs: number;
};

/**
 * Gathers claims for a few milliseconds, finds the highest of each channel whose proof holds, and
 * hands these to the writer. While one flush is being written the next is gathered and verified; a
 * third waits in the queue, so a slow log makes flushes larger, not more.
 */
export class Flusher {
  readonly #parts: FlusherParts;
  readonly #queue: ClaimQueue;
  readonly #gatherer: FlushGatherer;
  readonly #judge: FlushJudge;
  /** One is written while the other is gathered and verified. */
  readonly #flushes = [0, 1].map((number) => new Flush(number, INGEST_LIMITS.flushClaimsMax));
  #writing: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;

  constructor(parts: FlusherParts) {
    const { table, claims, verifier, writer } = parts;
    this.#parts = parts;
    this.#queue = new ClaimQueue(claims);
    this.#gatherer = new FlushGatherer(table, claims, writer);
    this.#judge = new FlushJudge(
      claims,
      new ProofCollector(table, claims, verifier),
      new Footholds(table, claims),
      INGEST_LIMITS.flushClaimsMax,
    );
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Adds a claim. The meter is told by {@link noteQueue}, once per request. */
  enqueue(slot: number): void {
    this.#queue.push(slot);
  }

  noteQueue(): void {
    this.#parts.meter.queued(this.#queue.length);
  }

  /** Frees what waits behind a log that does not answer, once it is answered by its deadline. */
  dropAnswered(): void {
    this.#queue.dropAnswered();
    this.noteQueue();
  }

  /** Flushes what is queued, then stops. */
  async drain(): Promise<void> {
    this.#queue.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    let lastClaims = 0;
    for (let turn = 0; ; turn++) {
      await this.#queue.arrival();
      if (this.#queue.length === 0 && this.#queue.closed) break;
      await this.#company(lastClaims);
      const flush = this.#flushes[turn % this.#flushes.length] as Flush;
      this.#gatherer.gather(this.#queue, flush, this.#nowMs());
      this.noteQueue();
      lastClaims = flush.claims;
      const putOff = await this.#judge.judge(flush, () => this.#nowMs());
      for (const slot of putOff) this.#queue.push(slot);
      this.#parts.writer.announce(flush);
      await this.#writing;
      this.#writing = this.#parts.writer.write(flush);
    }
    await this.#writing;
  }

  // What came while the flush before was verified has waited enough: to wait on would leave the cores idle.
  async #company(lastClaims: number): Promise<void> {
    if (this.#queue.closed) return;
    const restMs = this.#windowMs(lastClaims) - this.#queue.waitingMs;
    if (restMs > 0) await sleep(restMs);
  }

  // Under load a larger flush costs less per claim, in the log, in the books and in answers; a lone
  // payment should not wait for others that do not come.
  #windowMs(lastClaims: number): number {
    if (this.#queue.length >= INGEST_LIMITS.flushClaimsMax) return 0;
    const { windowMs } = this.#parts;
    const extraMs = lastClaims / INGEST_LIMITS.flushClaimsPerExtraMs;
    return Math.min(windowMs + extraMs, Math.max(windowMs, INGEST_LIMITS.flushWindowMaxMs));
  }

  #nowMs(): number {
    return Number(this.#parts.clock.nowMs());
  }
}
