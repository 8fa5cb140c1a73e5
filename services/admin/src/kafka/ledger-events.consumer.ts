import { LedgerEvent, TOPICS } from '#libs/contracts';
import { type InRecord, TopicReader } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { RateWindow } from '../domain/rate-window.js';
import type { Rate } from '../domain/snapshot.js';

const WINDOW_SECONDS = 121;
const MEAN_SECONDS = 5;
const RETRY_MS = 2_000;

/** How the consumer makes its readers. */
export type ReaderFactory = (onRecord: (partition: number, record: InRecord) => void) => {
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Follows the ledger's events from now on and counts the channels that flushes raise, by second. */
export class LedgerEventsConsumer {
  readonly #window: RateWindow;
  readonly #makeReader: ReaderFactory;
  readonly #logger: Logger;
  readonly #now: () => number;
  #reader: ReturnType<ReaderFactory> | undefined;
  #failure: string | null = 'not connected yet';
  #stopping = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: { makeReader: ReaderFactory; logger: Logger; now: () => number }) {
    this.#makeReader = options.makeReader;
    this.#logger = options.logger;
    this.#now = options.now;
    this.#window = new RateWindow(WINDOW_SECONDS, options.now());
  }

  /** Tries until it is connected; never rejects, since the page works without it. */
  async start(): Promise<void> {
    if (this.#stopping) return;
    const reader = this.#makeReader((_partition, record) => this.#count(record));
    try {
      await reader.start();
      this.#reader = reader;
      this.#failure = null;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ err: error }, 'ledger events cannot be read yet');
      await reader.stop().catch(() => undefined);
      if (!this.#stopping) this.#retry = setTimeout(() => void this.start(), RETRY_MS);
    }
    if (this.#stopping) await this.stop();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.stop();
  }

  /** What was applied; what was accepted is not in these events. */
  rate(): Omit<Rate, 'acceptedPerSecond'> {
    const nowMs = this.#now();
    return {
      perSecond: Math.round(this.#window.mean(nowMs, MEAN_SECONDS)),
      series: this.#window.series(nowMs),
      failure: this.#failure,
    };
  }

  #count(record: InRecord): void {
    if (record.value === null) return;
    try {
      const { event } = LedgerEvent.decode(record.value);
      // After a pause the reader catches up: what it missed belongs to its own second, not to this one.
      if (event?.$case === 'flush') {
        this.#window.addLate(event.value.channels, record.timestampMs, this.#now());
      }
    } catch (error) {
      this.#logger.warn({ err: error, offset: record.offset }, 'a ledger event cannot be read');
    }
  }
}

/** The reader of the real topic. */
export function ledgerEventsReader(
  options: Omit<
    ConstructorParameters<typeof TopicReader>[0],
    'topic' | 'onRecord' | 'fromBeginning'
  >,
): ReaderFactory {
  return (onRecord) =>
    new TopicReader({
      ...options,
      topic: TOPICS.ledgerEvents.name,
      onRecord,
      fromBeginning: false,
    });
}
