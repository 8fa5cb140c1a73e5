import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { ChannelsRecord, TOPICS } from '#libs/contracts';
import { toHex } from '#libs/domain';
import { type InRecord, TopicReader } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { type ChannelDirectory, channelKey } from '../application/channel-directory.js';
import { factsOf } from './channel-facts.js';

const RETRY_MS = 1_000;

/** Keeps the directory of channels up to date from the `channels` topic. */
export class ChannelsConsumer {
  #reader: TopicReader | undefined;
  #problem: Error | undefined = new Error('Kafka has not answered yet');
  #stopped = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly directory: ChannelDirectory,
    private readonly logger: Logger,
  ) {}

  /** Reads until stopped; while Kafka is away it keeps trying, and readiness says so. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const reader = new TopicReader({
        kafka: this.kafka,
        topic: TOPICS.channels.name,
        logger: this.logger,
        onRecord: (partition, record) => this.apply(partition, record),
      });
      this.#reader = reader;
      try {
        await reader.start();
        this.#problem = undefined;
        return;
      } catch (error) {
        this.#problem = error instanceof Error ? error : new Error(String(error));
        this.logger.warn({ err: error }, 'the channels topic cannot be read yet');
        await reader.stop().catch(() => undefined);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Takes one record. What cannot be read makes its channel unknown here: the books are asked then. */
  apply(partition: number, record: InRecord): void {
    try {
      if (record.value === null) throw new TypeError('the record has no value');
      const { record: news } = ChannelsRecord.decode(record.value);
      if (news === undefined) throw new TypeError('the record is empty');
      if (news.$case === 'markMs') {
        this.directory.mark(partition, news.value);
        return;
      }
      const facts = factsOf(news.value, this.directory.partitions);
      if (facts.partition !== partition) throw new TypeError('the channel is of another partition');
      this.directory.learn(facts);
    } catch (error) {
      const { key, offset } = record;
      this.logger.error(
        { err: error, partition, offset, key: key === null ? null : toHex(key) },
        'a record of the channels topic cannot be read',
      );
      // The key is the channel's id and a byte for its state.
      if (key !== null && key.length >= 32) this.directory.forget(channelKey(key.subarray(0, 32)));
    }
  }

  /** Throws, for a readiness check, what keeps us from knowing the channels. */
  assertReading(): void {
    if (this.#problem !== undefined) {
      throw new Error(`the channels topic cannot be read: ${this.#problem.message}`);
    }
    if (this.#reader?.caughtUp !== true) throw new Error('the channels topic is still being read');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reader?.stop();
  }
}
