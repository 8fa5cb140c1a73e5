import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Logger } from '#libs/observability';
import { endProcessOnCrash } from './crash.js';
import type { InRecord } from './partition-consumer.js';

/** How a {@link TopicReader} reads. */
export type TopicReaderOptions = {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly logger: Logger;
  /** Called for every record of every partition, once and in order within a partition. */
  readonly onRecord: (partition: number, record: InRecord) => void;
  /**
   * Called before the first record after a hole: records of this partition cannot be read any more,
   * because they were deleted or the topic was made anew.
   */
  readonly onLost?: (partition: number) => void;
  /** Start at the oldest record (the default), or with what comes from now on. */
  readonly fromBeginning?: boolean;
};

// The group may join again, and forget again, while a position is being set. What is still not there
// after two tries is gone.
const SEEKS_MAX = 2;

/**
 * Reads all partitions of a topic in this process: a view that every replica keeps for itself.
 * Nothing is committed: each start reads anew.
 *
 * Kafka's group forgets our position whenever the process joins again (after a pause, a lost
 * connection, a broker's restart) and would go on from the topic's end, silently leaving out what
 * came meanwhile. So the reader keeps the next offset of each partition itself: it goes there at each
 * joining, and back there whenever a record is not the expected one. That asks for a topic whose
 * offsets have no holes: not compacted, no transactions.
 */
export class TopicReader {
  readonly #options: TopicReaderOptions;
  readonly #groupId: string;
  readonly #consumer: Consumer;
  readonly #next = new Map<number, bigint>();
  readonly #seeks = new Map<number, number>();
  readonly #lacking = new Map<number, bigint>();
  #started = false;

  constructor(options: TopicReaderOptions) {
    this.#options = options;
    // Kafka gives partitions to groups; a group of our own gets them all.
    this.#groupId = `view-${options.topic}-${randomUUID()}`;
    this.#consumer = options.kafka.consumer({
      groupId: this.#groupId,
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 50,
      allowAutoTopicCreation: false,
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 100, maxRetryTime: 3_000 },
    });
  }

  /** Resolves while reading; what is written after the call is certainly read. */
  async start(): Promise<void> {
    const { topic, fromBeginning = true } = this.#options;
    await this.#noteOffsets(fromBeginning);
    endProcessOnCrash(this.#consumer);
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, () => {
      for (const partition of this.#next.keys()) this.#seek(partition);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: (payload) => {
        this.#take(payload);
        return Promise.resolve();
      },
    });
    this.#started = true;
  }

  /** True once everything that stood in the topic at the start has been read. */
  get caughtUp(): boolean {
    return this.#started && this.#lacking.size === 0;
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
    // Tidying is not worth waiting for a Kafka that is away: it forgets empty groups by itself.
    const admin = this.#options.kafka.admin({ retry: { retries: 1 } });
    try {
      await admin.connect();
      await admin.deleteGroups([this.#groupId]);
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'the view group stays until Kafka expires it');
    } finally {
      await admin.disconnect();
    }
  }

  #take({ batch, resolveOffset, isStale }: EachBatchPayload): void {
    const { partition } = batch;
    for (const message of batch.messages) {
      if (isStale()) return;
      const offset = BigInt(message.offset);
      const next = this.#next.get(partition) ?? offset;
      if (offset !== next && !this.#accepts(partition, offset, next)) return;
      this.#seeks.delete(partition);
      this.#options.onRecord(partition, {
        offset,
        key: message.key,
        value: message.value,
        timestampMs: Number(message.timestamp),
      });
      this.#next.set(partition, offset + 1n);
      resolveOffset(message.offset);
    }
    const end = this.#lacking.get(partition);
    if (end !== undefined && (this.#next.get(partition) ?? 0n) >= end) {
      this.#lacking.delete(partition);
    }
  }

  /** Decides on a record at an unexpected offset: goes back for those before it, or gives them up. */
  #accepts(partition: number, offset: bigint, next: bigint): boolean {
    const { topic, logger, onLost } = this.#options;
    const seeks = this.#seeks.get(partition) ?? 0;
    if (seeks < SEEKS_MAX) {
      this.#seeks.set(partition, seeks + 1);
      this.#seek(partition);
      return false;
    }
    logger.error({ topic, partition, expected: next, found: offset }, 'records are lost');
    onLost?.(partition);
    return true;
  }

  #seek(partition: number): void {
    const offset = String(this.#next.get(partition) ?? 0n);
    this.#consumer.seek({ topic: this.#options.topic, partition, offset });
  }

  async #noteOffsets(fromBeginning: boolean): Promise<void> {
    const { kafka, topic } = this.#options;
    const admin = kafka.admin();
    await admin.connect();
    try {
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        this.#next.set(partition, BigInt(fromBeginning ? low : high));
        if (fromBeginning && BigInt(high) > BigInt(low)) this.#lacking.set(partition, BigInt(high));
      }
    } finally {
      await admin.disconnect();
    }
  }
}
