import type { ModuleMetadata } from '@nestjs/common';
import type { ServiceOptions } from '#libs/grpc';
import { createKafka, Producer } from '#libs/kafka';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import { Admission } from './application/admission.js';
import { ChannelDirectory } from './application/channel-directory.js';
import { ChannelLookup } from './application/channel-lookup.js';
import { FlushWriter } from './application/flush-writer.js';
import { Flusher } from './application/flusher.js';
import type { Clock } from './application/ports.js';
import { PostVouchersService } from './application/post-vouchers.service.js';
import { Senders } from './application/senders.js';
import type { Config } from './config.js';
import { EventLoopVerifier } from './crypto/event-loop.verifier.js';
import { BooksClient } from './grpc/books.client.js';
import { VoucherController } from './grpc/voucher.controller.js';
import { PrometheusMeter } from './ingest.meter.js';
import { ChannelsConsumer } from './kafka/channels.consumer.js';
import { KafkaVoucherLog } from './kafka/kafka.voucher-log.js';
import { ProcessLifecycle } from './process.lifecycle.js';
import { LOGGER } from './tokens.js';

const CLOCK: Clock = { nowMs: () => BigInt(Date.now()) };

/** The whole process: its ports and its parts. */
export function ingestService(config: Config, logger: Logger): ServiceOptions {
  return {
    name: 'ingest',
    logger,
    host: config.LISTEN_HOST,
    httpPort: config.HTTP_PORT,
    module: ingestModule(config, logger),
    grpcPorts: [
      {
        services: ['VoucherService'],
        host: config.LISTEN_HOST,
        port: config.GRPC_PORT,
        reflection: config.NODE_ENV !== 'production',
      },
    ],
  };
}

/** The composition root: which parts the process is made of, and which adapters they get. */
function ingestModule(config: Config, logger: Logger): ModuleMetadata {
  const metrics = new Metrics('ingest');
  const meter = new PrometheusMeter(metrics);
  const kafka = createKafka({ clientId: 'ingest', brokers: config.KAFKA_BROKERS, logger });
  const directory = new ChannelDirectory(config.LEDGER_PARTITIONS);
  const channels = new ChannelsConsumer(kafka, directory, logger);
  const log = new KafkaVoucherLog(new Producer(kafka), CLOCK, logger);
  const books = new BooksClient({
    address: config.BALANCE_INTERNAL_URL,
    token: config.INTERNAL_TOKEN_FILE,
    partitions: config.LEDGER_PARTITIONS,
  });
  const writer = new FlushWriter(directory, log, CLOCK, meter, logger);
  const verifier = new EventLoopVerifier({
    chainId: config.CHAIN_ID,
    vaultAddress: config.VAULT_ADDRESS,
  });
  const flusher = new Flusher({
    directory,
    verifier,
    writer,
    clock: CLOCK,
    meter,
    windowMs: config.FLUSH_WINDOW_MS,
  });
  const service = new PostVouchersService({
    admission: new Admission(meter),
    senders: new Senders(CLOCK),
    directory,
    lookup: new ChannelLookup(books, directory, CLOCK, meter),
    flusher,
    writer,
    clock: CLOCK,
    meter,
  });
  const lifecycle = new ProcessLifecycle({
    channels,
    log,
    flusher,
    books,
    directory,
    meter,
    clock: CLOCK,
  });
  return {
    controllers: [OpsController, VoucherController],
    providers: [
      { provide: LOGGER, useValue: logger },
      { provide: Metrics, useValue: metrics },
      { provide: Health, useFactory: () => healthOf(channels, log, writer, directory) },
      { provide: PostVouchersService, useValue: service },
      { provide: ProcessLifecycle, useValue: lifecycle },
    ],
  };
}

function healthOf(
  channels: ChannelsConsumer,
  log: KafkaVoucherLog,
  writer: FlushWriter,
  directory: ChannelDirectory,
): Health {
  const health = new Health();
  health.add('channels', () => channels.assertReading());
  health.add('marks', () => directory.assertFresh(CLOCK.nowMs()));
  health.add('voucher-log', () => {
    log.assertWritable();
    if (writer.isStalled(CLOCK.nowMs())) throw new Error('a write has not been confirmed for long');
  });
  return health;
}
