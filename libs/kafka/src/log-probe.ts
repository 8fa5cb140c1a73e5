import type { Admin, Kafka } from 'kafkajs';
import type { LogRange } from './log-loss.js';

/** A topic as it is now. */
export type PresentLog = {
  /** Given to a Kafka cluster when its storage is made, so another one has another. */
  readonly clusterId: string;
  readonly ranges: ReadonlyMap<number, LogRange>;
};

/** Asks Kafka what it holds. Connects when first needed, and again after a failure. */
export class LogProbe {
  readonly #admin: Admin;
  #connected = false;

  constructor(kafka: Kafka) {
    // Whoever asks asks again soon: a retry here would only make an answer old.
    this.#admin = kafka.admin({ retry: { retries: 2, initialRetryTime: 100 } });
  }

  /** Rejects when no broker answers or the topic does not exist. */
  async look(topic: string): Promise<PresentLog> {
    try {
      if (!this.#connected) await this.#admin.connect();
      this.#connected = true;
      const offsets = await this.#admin.fetchTopicOffsets(topic);
      // After the offsets: a cluster that took the place of another meanwhile is noticed.
      const { clusterId } = await this.#admin.describeCluster();
      const ranges = offsets.map(
        ({ partition, low, high }) =>
          [partition, { low: BigInt(low), high: BigInt(high) }] as const,
      );
      return { clusterId, ranges: new Map(ranges) };
    } catch (error) {
      this.#connected = false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}
