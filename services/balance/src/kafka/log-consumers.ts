import type { Kafka } from 'kafkajs';
import { TOPICS } from '#libs/contracts';
import { PartitionConsumer } from '#libs/kafka';
import type { Logger, Metrics } from '#libs/observability';
import type { ApplyMatchesService } from '../application/apply-matches.service.js';
import type { ApplyVouchersService } from '../application/apply-vouchers.service.js';

/** The consumer that applies the voucher log, with its metrics. */
export function voucherConsumer(
  kafka: Kafka,
  vouchers: ApplyVouchersService,
  tools: { logger: Logger; metrics: Metrics },
): PartitionConsumer {
  const { metrics, logger } = tools;
  const records = metrics.counter('applied_records_total', 'Voucher-log records applied');
  const channels = metrics.counter('applied_channels_total', 'Channels raised by claims');
  const units = metrics.counter('applied_units_total', 'Units moved to payees');
  const quarantined = metrics.counter('quarantined_total', 'Logged claims that cannot be booked');
  const seconds = metrics.histogram(
    'apply_seconds',
    'Seconds of one application transaction',
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2],
  );
  return new PartitionConsumer({
    kafka,
    topic: TOPICS.vouchers.name,
    groupId: 'balance-vouchers',
    logger,
    handler: {
      nextOffset: (partition) => vouchers.nextOffset(partition),
      apply: async (partition, batch) => {
        const stop = seconds.startTimer();
        const applied = await vouchers.apply(partition, batch);
        stop();
        records.inc(applied.records);
        channels.inc(applied.channels);
        units.inc(Number(applied.units));
        quarantined.inc(applied.quarantined);
      },
    },
  });
}

/** The consumer that opens leases and releases holds. */
export function matchConsumer(
  kafka: Kafka,
  matches: ApplyMatchesService,
  logger: Logger,
): PartitionConsumer {
  return new PartitionConsumer({
    kafka,
    topic: TOPICS.marketMatches.name,
    groupId: 'balance-matches',
    logger,
    handler: matches,
  });
}
