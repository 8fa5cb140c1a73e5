import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Logger } from '#libs/observability';
import { lossOf } from './log-loss.js';
import { LogProbe } from './log-probe.js';
import type { PartitionHandler } from './partition-consumer.js';

/** Where the offsets of a topic are kept, with what is remembered of the log they belong to. */
export type LogMemory = {
  read(topic: string): Promise<{
    readonly clusterId: string | null;
    readonly lost: string | null;
    readonly nextOffsets: ReadonlyMap<number, bigint>;
  }>;
  adopt(topic: string, clusterId: string): Promise<string>;
  markLost(topic: string, finding: string): Promise<void>;
};

/** What a {@link LogWatch} looks at. */
export type LogWatchOptions = {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly memory: LogMemory;
  readonly logger: Logger;
  readonly checkEveryMs?: number;
};

/** The log is not the one whose offsets are kept, or lacks a part of it. Nothing may be applied from it. */
export class LogLostError extends Error {
  override readonly name = 'LogLostError';

  constructor(topic: string, finding: string) {
    super(
      `the log ${topic} is not what was applied so far: ${finding}. Nothing is applied from it until ` +
        'an operator decides; see docs/operations.md, "When the log is not the one that was applied"',
    );
  }
}

const CHECK_EVERY_MS = 1_000;
const KNOWN_FOR_MS = 5_000;
const FIRST_CHECKS = 30;
const FIRST_CHECK_EVERY_MS = 1_000;

/**
 * Watches that a log still holds what the offsets kept elsewhere take for granted: the same cluster, and
 * every offset between its start and its end. An offset says nothing about the record behind it, so a log
 * that began anew would swallow as many records as the old one had, as applied already.
 *
 * What was found missing stays found, also across restarts: a log that grows past the offset looks whole again.
 */
export class LogWatch {
  readonly #options: LogWatchOptions;
  readonly #probe: LogProbe;
  #loss: LogLostError | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LogWatchOptions) {
    this.#options = options;
    this.#probe = new LogProbe(options.kafka);
  }

  /** Throws a LogLostError when the log must not be applied; else watches it until stopped. */
  async start(): Promise<void> {
    await this.#firstCheck();
    this.#timer = setInterval(() => {
      this.check().catch((error: unknown) => {
        const { logger, topic } = this.#options;
        if (!(error instanceof LogLostError)) {
          logger.warn({ err: error, topic }, 'the ends of a log cannot be read');
        }
      });
    }, this.#options.checkEveryMs ?? CHECK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#checking?.catch(() => undefined);
    await this.#probe.close();
  }

  /** True while the log was found whole within the last five seconds. */
  get isWhole(): boolean {
    return this.#loss === undefined && performance.now() - this.#checkedAt <= KNOWN_FOR_MS;
  }

  /** Throws when something of the log is lost. */
  assertNotLost(): void {
    if (this.#loss !== undefined) throw this.#loss;
  }

  /** Throws when the log is lost or has not been seen for a while; for a readiness check. */
  assertHealthy(): void {
    this.assertNotLost();
    if (!this.isWhole) throw new Error(`the ends of ${this.#options.topic} are not known`);
  }

  /** Looks now; who comes while a look is under way shares it. Throws a LogLostError, or why one cannot look. */
  check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  // A Kafka that is just starting is waited for; one that lacks records is not.
  async #firstCheck(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.check();
      } catch (error) {
        if (error instanceof LogLostError || attempt >= FIRST_CHECKS) throw error;
        await sleep(FIRST_CHECK_EVERY_MS);
      }
    }
  }

  async #look(): Promise<void> {
    this.assertNotLost();
    const { topic, memory } = this.#options;
    const known = await memory.read(topic);
    const startedAt = performance.now();
    if (known.lost !== null) this.#lose(known.lost);
    const { clusterId, ranges } = await this.#probe.look(topic);
    if (known.clusterId !== null && known.clusterId !== clusterId) {
      // Not written down: the addresses of the brokers may simply be wrong.
      this.#lose(`it belongs to cluster ${known.clusterId}, this is cluster ${clusterId}`);
    }
    let finding = lossOf(known.nextOffsets, ranges);
    if (finding !== undefined) {
      finding = lossOf(known.nextOffsets, ranges, (await memory.read(topic)).nextOffsets);
    }
    if (finding !== undefined) {
      await memory.markLost(topic, finding);
      this.#lose(finding);
    }
    if (known.clusterId === null) await memory.adopt(topic, clusterId);
    this.#checkedAt = startedAt;
  }

  #lose(finding: string): never {
    const { topic, logger } = this.#options;
    this.#loss = new LogLostError(topic, finding);
    logger.error({ topic, finding }, this.#loss.message);
    throw this.#loss;
  }
}

/** A handler that applies nothing of a log that is not whole, and looks before it trusts an offset. */
export function watched(handler: PartitionHandler, watch: LogWatch): PartitionHandler {
  return {
    nextOffset: (partition) => {
      watch.assertNotLost();
      return handler.nextOffset(partition);
    },
    apply: (partition, records) => {
      watch.assertNotLost();
      return handler.apply(partition, records);
    },
    seeking: () => watch.check(),
    assigned: (partitions) => handler.assigned?.(partitions),
    rebalancing: () => handler.rebalancing?.(),
  };
}
