import type { ModuleMetadata } from '@nestjs/common';
import { Digests } from '#libs/domain';
import { hostsBut, type ServiceOptions } from '#libs/grpc';
import { createKafka, Producer } from '#libs/kafka';
import { Health, type Logger, Metrics, OpsController } from '#libs/observability';
import { ChannelDirectory } from './application/channel-directory.js';
import { ChannelLookup } from './application/channel-lookup.js';
import type { FlushWriter } from './application/flush-writer.js';
import { type IngestCore, ingestCore } from './application/ingest-core.js';
import { OpenQuestions } from './application/open-questions.js';
import type { Clock } from './application/ports.js';
import { PostVouchersService } from './application/post-vouchers.service.js';
import type { Config } from './config.js';
import { WorkerPoolVerifier } from './crypto/worker-pool.verifier.js';
import { ChannelTable } from './domain/channel-table.js';
import { BooksClient } from './grpc/books.client.js';
import { PackedStreams } from './grpc/packed-streams.js';
import { Sessions } from './grpc/sessions.js';
import { VoucherController } from './grpc/voucher.controller.js';
import { VoucherStreams } from './grpc/voucher-streams.js';
import { PrometheusMeter } from './ingest.meter.js';
import { ChannelsConsumer } from './kafka/channels.consumer.js';
import { KafkaVoucherLog } from './kafka/kafka.voucher-log.js';
import { ProcessLifecycle } from './process.lifecycle.js';
import { LOGGER } from './tokens.js';

const CLOCK: Clock = { nowMs: () => BigInt(Date.now()) };

/** The whole process: its ports and its parts. Rejects when the threads that check proofs cannot start. */
export async function ingestService(config: Config, logger: Logger): Promise<ServiceOptions> {
  const domain = { chainId: config.CHAIN_ID, vaultAddress: config.VAULT_ADDRESS };
  const verifier = await WorkerPoolVerifier.start({ domain, logger });
  return {
    name: 'ingest',
    logger,
    host: config.LISTEN_HOST,
    proxies: config.PROXY_ADDRESSES,
    httpPort: config.HTTP_PORT,
    module: ingestModule(config, logger, verifier),
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
function ingestModule(
  config: Config,
  logger: Logger,
  verifier: WorkerPoolVerifier,
): ModuleMetadata {
  const metrics = new Metrics('ingest');
  const meter = new PrometheusMeter(metrics);
  const kafka = createKafka({ clientId: 'ingest', brokers: config.KAFKA_BROKERS, logger });
  const log = new KafkaVoucherLog(new Producer(kafka), CLOCK, logger);
  const table = new ChannelTable({
    partitions: config.LEDGER_PARTITIONS,
    rowsMax: config.CHANNELS_IN_MEMORY_MAX,
  });
  const questions = new OpenQuestions();
  const directory = new ChannelDirectory(table, questions, CLOCK);
  const channels = new ChannelsConsumer(kafka, directory, logger);
  const books = new BooksClient({
    address: config.BALANCE_INTERNAL_URL,
    token: config.INTERNAL_TOKEN_FILE,
    partitions: config.LEDGER_PARTITIONS,
  });
  const lookup = new ChannelLookup({ books, table, questions, clock: CLOCK, meter });
  const windowMs = config.FLUSH_WINDOW_MS;
  const hostOf = hostsBut(config.PROXY_ADDRESSES);
  const outside = { table, lookup, verifier, log, clock: CLOCK, meter, logger, windowMs, hostOf };
  const core = ingestCore(outside);
  const lifecycle = new ProcessLifecycle({
    channels,
    log,
    flusher: core.flusher,
    verifier,
    books,
    table,
    meter,
    clock: CLOCK,
  });
  return {
    controllers: [OpsController, VoucherController],
    providers: [
      { provide: LOGGER, useValue: logger },
      { provide: Metrics, useValue: metrics },
      {
        provide: Health,
        useFactory: () => healthOf({ channels, log, verifier, table, writer: core.writer }),
      },
      { provide: PostVouchersService, useValue: core.service },
      ...streamsOf(config, core, outside),
      { provide: ProcessLifecycle, useValue: lifecycle },
    ],
  };
}

function streamsOf(
  config: Config,
  core: IngestCore,
  outside: { table: ChannelTable; lookup: ChannelLookup; clock: Clock; logger: Logger },
) {
  const digests = new Digests({ chainId: config.CHAIN_ID, vaultAddress: config.VAULT_ADDRESS });
  const sessions = new Sessions(digests, core.senders, outside.clock);
  const parts = { ...core, ...outside };
  return [
    { provide: Sessions, useValue: sessions },
    { provide: VoucherStreams, useValue: new VoucherStreams(sessions, parts) },
    { provide: PackedStreams, useValue: new PackedStreams(sessions, parts) },
  ];
}

function healthOf(parts: {
  channels: ChannelsConsumer;
  log: KafkaVoucherLog;
  verifier: WorkerPoolVerifier;
  table: ChannelTable;
  writer: FlushWriter;
}): Health {
  const { channels, log, verifier, table, writer } = parts;
  const nowMs = () => Number(CLOCK.nowMs());
  const health = new Health();
  health.add('channels', () => channels.assertReading());
  health.add('proofs', () => verifier.assertWorking());
  health.add('marks', () => table.marks.assertFresh(nowMs()));
  health.add('voucher-log', () => {
    log.assertWritable();
    if (writer.isStalled(nowMs())) throw new Error('a write has not been confirmed for long');
  });
  return health;
}
