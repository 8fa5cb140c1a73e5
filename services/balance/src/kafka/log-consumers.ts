import type { Kafka } from 'kafkajs';
import type { Counter } from 'prom-client';
import { TOPICS } from '#libs/contracts';
import { failPoint } from '#libs/failpoints';
import { type LogWatch, PartitionConsumer, watched } from '#libs/kafka';
import type { Logger, Metrics } from '#libs/observability';
import type { ApplyMatchesService } from '../application/apply-matches.service.js';
import type { ApplyVouchersService } from '../application/apply-vouchers.service.js';

/** Not more: bundles are numbered within their flush, see firstBundleNo. */
const RECORDS_PER_FLUSH = 4_096;
const BYTES_PER_FLUSH = 8 * 1024 * 1024;

/** What the consumers of logs share. */
export type ConsumerTools = {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Counts what was acknowledged and cannot be booked, by topic. */
  readonly quarantined: Counter;
  /** See PartitionConsumerOptions. */
  readonly sessionTimeoutMs?: number | undefined;
};

/** Counts what is in quarantine since the start, by topic: any rise is an alarm. */
export function quarantineCounter(metrics: Metrics): Counter {
  const counter = metrics.counter('quarantined_total', 'Logged entries that cannot be booked', [
    'topic',
  ]);
  for (const { name } of [TOPICS.vouchers, TOPICS.marketMatches]) counter.inc({ topic: name }, 0);
  return counter;
}

/** The consumer that applies the voucher log, with its metrics; a partition rests between flushes. */
export function voucherConsumer(
  kafka: Kafka,
  vouchers: ApplyVouchersService,
  watch: LogWatch,
  tools: ConsumerTools & { readonly applyEveryMs: number },
): PartitionConsumer {
  const { metrics, logger, quarantined, applyEveryMs, sessionTimeoutMs } = tools;
  const topic = TOPICS.vouchers.name;
  const records = metrics.counter('applied_records_total', 'Voucher-log records applied');
  const channels = metrics.counter('applied_channels_total', 'Channels raised by claims');
  const units = metrics.counter('applied_units_total', 'Units moved to payees');
  const seconds = metrics.histogram(
    'apply_seconds',
    'Seconds of one application transaction',
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2],
  );
  return new PartitionConsumer({
    kafka,
    topic,
    groupId: 'balance-vouchers',
    logger,
    // A flush has costs of its own: under load it is better large, as long as balances are not late.
    applyEveryMs,
    recordsPerApplyMax: RECORDS_PER_FLUSH,
    bytesPerApplyMax: BYTES_PER_FLUSH,
    sessionTimeoutMs,
    handler: watched(
      {
        nextOffset: (partition) => vouchers.nextOffset(partition),
        apply: async (partition, batch) => {
          const stop = seconds.startTimer();
          const applied = await vouchers.apply(partition, batch);
          stop();
          records.inc(applied.records);
          channels.inc(applied.channels);
          units.inc(Number(applied.units));
          quarantined.inc({ topic }, applied.quarantined);
        },
        rebalancing: () => failPoint('balance.in-rebalance'),
      },
      watch,
    ),
  });
}

/** The consumer that opens leases and releases holds. */
export function matchConsumer(
  kafka: Kafka,
  matches: ApplyMatchesService,
  watch: LogWatch,
  { logger, quarantined, sessionTimeoutMs }: ConsumerTools,
): PartitionConsumer {
  const topic = TOPICS.marketMatches.name;
  return new PartitionConsumer({
    kafka,
    topic,
    groupId: 'balance-matches',
    logger,
    sessionTimeoutMs,
    handler: watched(
      {
        nextOffset: (partition) => matches.nextOffset(partition),
        apply: async (partition, batch) => {
          quarantined.inc({ topic }, await matches.apply(partition, batch));
        },
      },
      watch,
    ),
  });
}
