import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Logger } from '#libs/observability';
import { endProcessOnCrash } from './crash.js';

/** One record read. */
export type InRecord = {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
};

/**
 * Applies one partition's records in order. The next offset lives with the results (in Postgres),
 * not in Kafka: that is what makes the application exactly once.
 */
export type PartitionHandler = {
  /** The offset that this partition continues from, read from where the results are. */
  nextOffset(partition: number): Promise<bigint>;
  /**
   * Applies records that start at the next offset. Throwing stops the partition, which is then read
   * again from `nextOffset`; a {@link StaleWriterError} says that another process took over.
   */
  apply(partition: number, records: readonly InRecord[]): Promise<void>;
  /**
   * Called before Kafka's position is replaced by `nextOffset`: a chance to look whether the log still
   * has that offset. Throwing stops the partition, as in `apply`.
   */
  seeking?(): Promise<void>;
  /** Told after each rebalance which partitions this process now has; some work goes on without records. */
  assigned?(partitions: readonly number[]): void;
  /** Told when a rebalance begins, and when it is over for this process. */
  rebalancing?(): void;
};

/** The compare-and-set on the next offset failed: somebody else has applied these records. */
export class StaleWriterError extends Error {
  override readonly name = 'StaleWriterError';
}

/** How a {@link PartitionConsumer} reads. */
export type PartitionConsumerOptions = {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly handler: PartitionHandler;
  readonly logger: Logger;
  readonly recordsPerApplyMax?: number;
  /** Bytes of the records handed over at once, and fetched of one partition; at least one record is. */
  readonly bytesPerApplyMax?: number;
  /**
   * How often a partition is applied while records keep coming: it rests for what is left of this time and
   * then gets all that came meanwhile. A partition that has rested is applied at once. 0: no rest.
   */
  readonly applyEveryMs?: number;
  /** How long the group waits for a silent member before its partitions go to others (default 10 000). */
  readonly sessionTimeoutMs?: number | undefined;
};

const BYTES_PER_APPLY = 1024 * 1024;
const SESSION_TIMEOUT_MS = 10_000;
// One is read and prepared while the database works on the other. More of them at once finish no sooner and
// take all cores for as long: whoever answers clients on the same machine would have to wait.
const PARTITIONS_AT_ONCE = 2;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 5_000;

/** Reads a topic in batches, a partition at a time in order, and hands them to a handler. */
export class PartitionConsumer {
  readonly #options: PartitionConsumerOptions;
  readonly #consumer: Consumer;
  readonly #failures = new Map<number, number>();
  #stopping = false;

  constructor(options: PartitionConsumerOptions) {
    this.#options = options;
    const { sessionTimeoutMs = SESSION_TIMEOUT_MS } = options;
    this.#consumer = options.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, Math.floor(sessionTimeoutMs / 6)),
      rebalanceTimeout: 15_000,
      maxWaitTimeInMs: 50,
      maxBytesPerPartition: options.bytesPerApplyMax ?? BYTES_PER_APPLY,
      // Room for every partition to fill up while it rests.
      maxBytes: (options.bytesPerApplyMax ?? BYTES_PER_APPLY) * 8,
      allowAutoTopicCreation: false,
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 100, maxRetryTime: 3_000 },
    });
  }

  async start(): Promise<void> {
    const { topic, handler } = this.#options;
    endProcessOnCrash(this.#consumer);
    this.#consumer.on(this.#consumer.events.REBALANCING, () => handler.rebalancing?.());
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => {
      handler.rebalancing?.();
      handler.assigned?.(payload.memberAssignment[topic] ?? []);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#eachBatch(payload),
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#consumer.disconnect();
  }

  /** Throws when the consumer has given up; for a readiness check. */
  assertHealthy(): void {
    const [partition] = [...this.#failures].find(([, count]) => count >= 3) ?? [];
    if (partition !== undefined) throw new Error(`partition ${partition} fails repeatedly`);
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { topic, handler, logger, applyEveryMs = 0 } = this.#options;
    const startedAt = performance.now();
    try {
      const expected = await handler.nextOffset(batch.partition);
      const records = batch.messages.map(toRecord).filter((record) => record.offset >= expected);
      if (records[0]?.offset !== expected) {
        // Kafka's idea of the position is older or newer than ours; ours is the true one.
        await handler.seeking?.();
        this.#consumer.seek({ topic, partition: batch.partition, offset: expected.toString() });
        return;
      }
      for (const chunk of this.#chunks(records)) {
        if (!isRunning() || isStale() || this.#stopping) return;
        await handler.apply(batch.partition, chunk);
        resolveOffset(String(chunk.at(-1)?.offset));
        await heartbeat();
      }
      const restMs = applyEveryMs - (performance.now() - startedAt);
      if (restMs > 1) setTimeout(payload.pause(), restMs).unref();
      this.#failures.delete(batch.partition);
    } catch (error) {
      if (this.#stopping) return;
      const failures = (this.#failures.get(batch.partition) ?? 0) + 1;
      this.#failures.set(batch.partition, failures);
      logger.error({ err: error, topic, partition: batch.partition, failures }, 'apply failed');
      // Pause only this partition: the others, and the group's heartbeats, go on.
      const pauseMs = Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS);
      const resume = payload.pause();
      setTimeout(resume, pauseMs).unref();
    }
  }

  // Always in order, never empty, and never a record split.
  *#chunks(records: readonly InRecord[]): Generator<readonly InRecord[]> {
    const { recordsPerApplyMax = 64, bytesPerApplyMax = BYTES_PER_APPLY } = this.#options;
    let [start, bytes] = [0, 0];
    for (const [at, { value }] of records.entries()) {
      const size = value?.length ?? 0;
      const isFull = at - start === recordsPerApplyMax || bytes + size > bytesPerApplyMax;
      if (at > start && isFull) {
        yield records.slice(start, at);
        [start, bytes] = [at, 0];
      }
      bytes += size;
    }
    if (start < records.length) yield records.slice(start);
  }
}

function toRecord(message: EachBatchPayload['batch']['messages'][number]): InRecord {
  return {
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value,
    timestampMs: Number(message.timestamp),
  };
}
