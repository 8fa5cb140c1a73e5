import { Kafka, logLevel } from 'kafkajs';
import type { Logger } from '#libs/observability';

/** A connection factory for one process; kafkajs's own messages go to our logger. */
export function createKafka(options: {
  clientId: string;
  brokers: readonly string[];
  logger: Logger;
}): Kafka {
  return new Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: 100, maxRetryTime: 3_000, retries: 20 },
    logLevel: logLevel.INFO,
    logCreator:
      () =>
      ({ level, log }) => {
        const { message, timestamp: _timestamp, ...fields } = log;
        if (level === logLevel.ERROR || level === logLevel.WARN) {
          options.logger.warn(fields, message);
        } else options.logger.debug(fields, message);
      },
  });
}
