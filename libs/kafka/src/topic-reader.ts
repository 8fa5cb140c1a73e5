import { randomUUID } from 'node:crypto';
import type { Consumer, Kafka } from 'kafkajs';
import type { Logger } from '#libs/observability';
import { endProcessOnCrash } from './crash.js';
import type { InRecord } from './partition-consumer.js';

/** How a {@link TopicReader} reads. */
export type TopicReaderOptions = {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly logger: Logger;
  /** Called for every record of every partition, in order within a partition. */
  readonly onRecord: (partition: number, record: InRecord) => void;
  /** Start at the oldest record (the default), or with what comes from now on. */
  readonly fromBeginning?: boolean;
};

/**
 * Reads all partitions of a topic in this process: a view that every replica keeps for itself.
 * Nothing is committed: each start reads anew.
 */
export class TopicReader {
  readonly #options: TopicReaderOptions;
  readonly #groupId: string;
  readonly #consumer: Consumer;
  #lacking = new Map<number, bigint>();
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

  async start(): Promise<void> {
    const { kafka, topic, onRecord, fromBeginning = true } = this.#options;
    if (fromBeginning) await this.#noteEnds(kafka, topic);
    endProcessOnCrash(this.#consumer);
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning });
    await this.#consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: ({ batch, resolveOffset }) => {
        for (const message of batch.messages) {
          onRecord(batch.partition, {
            offset: BigInt(message.offset),
            key: message.key,
            value: message.value,
            timestampMs: Number(message.timestamp),
          });
          resolveOffset(message.offset);
        }
        const end = this.#lacking.get(batch.partition);
        if (end !== undefined && BigInt(batch.lastOffset()) + 1n >= end) {
          this.#lacking.delete(batch.partition);
        }
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

  async #noteEnds(kafka: Kafka, topic: string): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    try {
      const offsets = await admin.fetchTopicOffsets(topic);
      this.#lacking = new Map(
        offsets
          .filter(({ high, low }) => BigInt(high) > BigInt(low))
          .map(({ partition, high }) => [partition, BigInt(high)]),
      );
    } finally {
      await admin.disconnect();
    }
  }
}
