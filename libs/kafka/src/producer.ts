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

/**
 * An idempotent producer with `acks=all`. One request at a time is in flight, since kafkajs keeps no
 * order across retries otherwise; batching is the caller's.
 */
export class Producer {
  readonly #producer: KafkaProducer;

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
    });
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
  async send(records: readonly OutRecord[]): Promise<Written[]> {
    const byTopic = Map.groupBy(records, (record) => record.topic);
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
    return metadata.map(({ topicName, partition, baseOffset }) => ({
      topic: topicName,
      partition,
      offset: BigInt(baseOffset ?? '-1'),
    }));
  }
}
