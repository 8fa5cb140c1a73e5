import type { Admin, Kafka } from 'kafkajs';
import { TOPICS } from '#libs/contracts';
import type { Offset } from '../domain/snapshot.js';

/** Asks Kafka where the voucher log ends; connects when first needed and again after a failure. */
export class VoucherLogClient {
  readonly #admin: Admin;
  #connected = false;

  constructor(kafka: Kafka) {
    // The next refresh is the retry: a dead broker must show on the page within seconds.
    this.#admin = kafka.admin({ retry: { retries: 1, initialRetryTime: 100 } });
    this.#admin.on(this.#admin.events.DISCONNECT, () => {
      this.#connected = false;
    });
  }

  /** End offset of every partition; rejects when no broker answers. */
  async ends(): Promise<Offset[]> {
    try {
      if (!this.#connected) {
        await this.#admin.connect();
        this.#connected = true;
      }
      const offsets = await this.#admin.fetchTopicOffsets(TOPICS.vouchers.name);
      return offsets.map(({ partition, high }) => ({ partition, offset: BigInt(high) }));
    } catch (error) {
      this.#connected = false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}
