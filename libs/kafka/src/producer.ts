import { CompressionTypes, type Kafka, type Producer as KafkaProducer } from 'kafkajs';

/** One record to send; without a partition the key decides. */
export type OutRecord = {
  readonly topic: string;
  readonly partition?: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer;
};

/** Where a record now stands. */
export type Written = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
};

/** A record was given an offset that this process has already seen taken: the log has lost its end. */
export class LogRewoundError extends Error {
  override readonly name = 'LogRewoundError';
}

/**
 * An idempotent producer with `acks=all`. One request at a time is in flight, since kafkajs keeps no
 * order across retries otherwise; batching is the caller's.
 *
 * A broker recognises a repeated batch by its sequence number alone, never by its content, and
 * kafkajs takes the number back when a send fails. If the failed batch was in fact written, the next
 * one would carry the same number and be acknowledged without being stored. So sends wait for one
 * another, and after a failed one a fresh producer, with an id of its own, takes over.
 *
 * Offsets only rise. When one does not, what was acknowledged before is gone and whoever reads from a
 * kept offset would skip the new record, so the send is rejected.
 */
export class Producer {
  readonly #kafka: Kafka;
  #producer: KafkaProducer;
  #turn: Promise<unknown> = Promise.resolve();
  #spent = false;
  readonly #newest = new Map<string, bigint>();

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#producer = idempotentProducer(kafka);
  }

  connect(): Promise<void> {
    return this.#producer.connect();
  }

  disconnect(): Promise<void> {
    return this.#producer.disconnect();
  }

  /**
   * Resolves when all records are acknowledged by the in-sync replicas. The answer names, per topic
   * and partition, the offset of its first record. A rejection says nothing about what was written.
   */
  send(records: readonly OutRecord[]): Promise<Written[]> {
    const sent = this.#turn.then(() => this.#send(records));
    this.#turn = sent.catch(() => undefined);
    return sent;
  }

  async #send(records: readonly OutRecord[]): Promise<Written[]> {
    if (this.#spent) await this.#renew();
    const byTopic = Map.groupBy(records, (record) => record.topic);
    try {
      const metadata = await this.#producer.sendBatch({
        acks: -1,
        compression: CompressionTypes.None,
        topicMessages: [...byTopic].map(([topic, messages]) => ({
          topic,
          messages: messages.map(({ partition, key, value }) => ({
            key,
            value,
            ...(partition === undefined ? {} : { partition }),
          })),
        })),
      });
      const written = metadata.map(({ topicName, partition, baseOffset }) => ({
        topic: topicName,
        partition,
        offset: BigInt(baseOffset ?? '-1'),
      }));
      for (const each of written) this.#assertRisen(each);
      return written;
    } catch (error) {
      this.#spent = true;
      throw error;
    }
  }

  #assertRisen({ topic, partition, offset }: Written): void {
    if (offset < 0n) return;
    const place = `${topic}/${partition}`;
    const newest = this.#newest.get(place) ?? -1n;
    if (offset <= newest) {
      throw new LogRewoundError(
        `${place} gave offset ${offset} after ${newest}: records acknowledged before are gone`,
      );
    }
    this.#newest.set(place, offset);
  }

  async #renew(): Promise<void> {
    const fresh = idempotentProducer(this.#kafka);
    await fresh.connect();
    const old = this.#producer;
    this.#producer = fresh;
    this.#spent = false;
    // Nothing of the old producer is wanted any more, so how its goodbye ends does not matter.
    await old.disconnect().catch(() => undefined);
  }
}

function idempotentProducer(kafka: Kafka): KafkaProducer {
  return kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
}
