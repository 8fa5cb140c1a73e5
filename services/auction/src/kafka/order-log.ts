import { MarketOrder, TOPICS } from '#libs/contracts';
import { accept, type Result, refuse } from '#libs/domain';
import type { OutRecord, Producer } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import type { OrderLogPort } from '../application/ports.js';
import { MARKET_LIMITS } from '../domain/limits.js';

const RECORDS_PER_SEND = 500;
const DEADLINE_MS = 5_000;

type Waiting = { readonly record: OutRecord; readonly done: (written: Result<undefined>) => void };

/**
 * Writes orders to Kafka with acks=all. What arrives while a request is under way goes together in
 * the next one, so one connection carries far more orders than round trips.
 */
export class OrderLog implements OrderLogPort {
  #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;

  constructor(
    private readonly producer: Pick<Producer, 'send'>,
    private readonly logger: Logger,
    private readonly deadlineMs: number = DEADLINE_MS,
  ) {}

  append(part: number, swarm: Buffer, order: MarketOrder): Promise<Result<undefined>> {
    if (this.#waiting.length >= MARKET_LIMITS.logQueueMax) {
      return Promise.resolve(refuse('OVERLOADED', 'too many orders wait for the log'));
    }
    const value = Buffer.from(MarketOrder.encode(order).finish());
    const record = { topic: TOPICS.marketOrders.name, partition: part, key: swarm, value };
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(unknown()), this.deadlineMs);
      const done = (written: Result<undefined>) => {
        clearTimeout(timer);
        resolve(written);
      };
      this.#waiting.push({ record, done });
      this.#sending ??= this.#send();
    });
  }

  /** Resolves when nothing is under way. */
  async drain(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, RECORDS_PER_SEND);
      this.#waiting = this.#waiting.slice(RECORDS_PER_SEND);
      let written: Result<undefined> = accept(undefined);
      try {
        await this.producer.send(batch.map(({ record }) => record));
      } catch (error) {
        this.logger.error({ err: error, records: batch.length }, 'writing to the order log failed');
        written = unknown();
      }
      for (const { done } of batch) done(written);
    }
    this.#sending = undefined;
  }
}

function unknown() {
  return refuse('OUTCOME_UNKNOWN', 'the order log does not answer; repeat with the same order_id');
}
