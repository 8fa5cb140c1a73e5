import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { ChannelsRecord, TOPICS } from '#libs/contracts';
import { toHex } from '#libs/domain';
import { type InRecord, TopicReader } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import type { ChannelDirectory } from '../application/channel-directory.js';
import { factsOf } from './channel-facts.js';

const RETRY_MS = 1_000;
const ID_BYTES = 32;
const KEY_BYTES = ID_BYTES + 1;

/** Tells the directory what the `channels` topic says from now on. */
export class ChannelsConsumer {
  #reader: TopicReader | undefined;
  #problem: Error | undefined = new Error('Kafka has not answered yet');
  #stopped = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly directory: ChannelDirectory,
    private readonly logger: Logger,
    private readonly topic: string = TOPICS.channels.name,
  ) {}

  /** Reads until stopped; while Kafka is away it keeps trying, and readiness says so. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const reader = new TopicReader({
        kafka: this.kafka,
        topic: this.topic,
        logger: this.logger,
        fromBeginning: false,
        onRecord: (partition, record) => this.apply(partition, record),
        onLost: (partition) => this.directory.lost(partition),
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
    const id = idOf(record);
    // Most news is of channels that are paid elsewhere or not at all.
    if (id !== undefined && !this.directory.isOfInterest(id)) return;
    try {
      if (record.value === null) throw new TypeError('the record has no value');
      const { record: news } = ChannelsRecord.decode(record.value);
      if (news === undefined) throw new TypeError('the record is empty');
      if (news.$case === 'markMs') {
        this.directory.mark(partition, Number(news.value));
        return;
      }
      const facts = factsOf(news.value, this.directory.partitions);
      if (facts.partition !== partition) throw new TypeError('the channel is of another partition');
      this.directory.hear(facts);
    } catch (error) {
      const { key, offset } = record;
      this.logger.error(
        { err: error, partition, offset, key: key === null ? null : toHex(key) },
        'a record of the channels topic cannot be read',
      );
      if (id !== undefined) this.directory.forget(id);
      // Without its id it may have been the closing of any channel.
      else this.directory.lost(partition);
    }
  }

  /** Throws, for a readiness check, what keeps us from knowing the channels. */
  assertReading(): void {
    if (this.#problem !== undefined) {
      throw new Error(`the channels topic cannot be read: ${this.#problem.message}`);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reader?.stop();
  }
}

// The key is the channel's id and a byte for its state; that of a mark is shorter.
function idOf({ key }: InRecord): Uint8Array | undefined {
  return key?.length === KEY_BYTES ? key.subarray(0, ID_BYTES) : undefined;
}
