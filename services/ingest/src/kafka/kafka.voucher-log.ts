import { setTimeout as sleep } from 'node:timers/promises';
import { TOPICS } from '#libs/contracts';
import { failPoint } from '#libs/failpoints';
import type { Producer } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import type { Clock, VoucherLog } from '../application/ports.js';

const RETRY_MS = 1_000;

// A failed write is news for this long. A process taken out of service writes nothing, so it would
// never come back if it waited for a write that succeeds.
const PROBLEM_MS = 5_000;

/** The voucher log in Kafka: one record per partition and flush, all partitions in one request. */
export class KafkaVoucherLog implements VoucherLog {
  #connected = false;
  #problem: Error | undefined;
  #problemAtMs = 0n;
  #stopped = false;

  constructor(
    private readonly producer: Producer,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Connects; while Kafka is away it keeps trying, and readiness says so. */
  async connect(): Promise<void> {
    while (!this.#stopped && !this.#connected) {
      try {
        await this.producer.connect();
        this.#connected = true;
        this.#problem = undefined;
      } catch (error) {
        this.#note(error);
        this.logger.warn({ err: error }, 'the voucher log is not reachable yet');
        await sleep(RETRY_MS);
      }
    }
  }

  async append(records: ReadonlyMap<number, Buffer>): Promise<ReadonlyMap<number, bigint>> {
    if (!this.#connected) throw new Error('the voucher log is not connected');
    try {
      failPoint('ingest.before-produce');
      const written = await this.producer.send(
        [...records].map(([partition, value]) => ({
          topic: TOPICS.vouchers.name,
          partition,
          key: null,
          value,
        })),
      );
      failPoint('ingest.after-produce');
      this.#problem = undefined;
      return new Map(
        written.filter(({ offset }) => offset >= 0n).map((w) => [w.partition, w.offset]),
      );
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  /** Throws, for a readiness check, while the log cannot be written. */
  assertWritable(): void {
    const isNews = this.clock.nowMs() - this.#problemAtMs < BigInt(PROBLEM_MS);
    if (this.#problem !== undefined && (isNews || !this.#connected)) {
      throw new Error(`the voucher log cannot be written: ${this.#problem.message}`);
    }
    if (!this.#connected) throw new Error('the voucher log is not connected');
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.producer.disconnect();
  }

  #note(error: unknown): void {
    this.#problem = error instanceof Error ? error : new Error(String(error));
    this.#problemAtMs = this.clock.nowMs();
  }
}
