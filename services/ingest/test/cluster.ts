import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { INestApplication } from '@nestjs/common';
import type { Kafka } from 'kafkajs';
import {
  ChannelsRecord,
  type ChannelView,
  decodeLogRecord,
  type ListChannelViewsRequest,
  type ListChannelViewsResponse,
  type LogBlock,
  type LogEntry,
  SERVICE_DEFINITIONS,
  TOPICS,
  VoucherServiceClient,
} from '#libs/contracts';
import { type KeyPair, sign } from '#libs/crypto';
import { refuse } from '#libs/domain';
import {
  formatSession,
  INTERNAL_TOKEN_TRAILER,
  runService,
  SESSION_TRAILER,
  toGrpcError,
} from '#libs/grpc';
import { createKafka, Producer, TopicReader } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { freePort } from '#libs/testing';
import { ingestService } from '../src/app.module.js';
import { loadConfig } from '../src/config.js';
import type { ChannelFacts } from '../src/domain/channel.js';
import { DIGESTS, PARTITIONS, SIGNING } from './factory.js';
import { viewOf } from './wire.js';

const TOKEN = 'the secret of the test cluster';
const logger = createLogger({ name: 'ingest-test', level: process.env.TEST_LOG_LEVEL ?? 'silent' });

/** A running ingest with a client. */
export type RunningIngest = {
  readonly client: VoucherServiceClient;
  ready(): Promise<{ status: number; checks: Record<string, string> }>;
  metrics(): Promise<string>;
  stop(): Promise<void>;
};

/** Starts the real service in this process, on free ports. */
export async function startIngest(options: {
  brokers: string;
  balance?: string;
}): Promise<RunningIngest> {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'ingest-')), 'token');
  writeFileSync(tokenFile, TOKEN);
  const httpPort = await freePort();
  const grpcPort = await freePort();
  const config = loadConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    HTTP_PORT: String(httpPort),
    GRPC_PORT: String(grpcPort),
    KAFKA_BROKERS: options.brokers,
    CHAIN_ID: String(SIGNING.chainId),
    VAULT_ADDRESS: SIGNING.vaultAddress,
    BALANCE_INTERNAL_URL: options.balance ?? `127.0.0.1:${await freePort()}`,
    INTERNAL_TOKEN_FILE: tokenFile,
  });
  const app: INestApplication = await runService(await ingestService(config, logger));
  const client = new VoucherServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const get = (path: string) => fetch(`http://127.0.0.1:${httpPort}/${path}`);
  return {
    client,
    ready: async () => {
      const response = await get('readyz');
      return { status: response.status, ...((await response.json()) as { checks: never }) };
    },
    metrics: async () => (await get('metrics')).text(),
    stop: async () => {
      await app.close();
      client.close();
    },
  };
}

/** Stands where balance stands: publishes channels and marks, and reads the voucher log. */
export class TestLedger {
  readonly #kafka: Kafka;
  readonly #producer: Producer;
  readonly #reader: TopicReader;
  readonly #records = new Map<string, LogBlock[]>();
  #marking: NodeJS.Timeout | undefined;

  constructor(brokers: string) {
    this.#kafka = createKafka({ clientId: 'test-ledger', brokers: brokers.split(','), logger });
    this.#producer = new Producer(this.#kafka);
    this.#reader = new TopicReader({
      kafka: this.#kafka,
      topic: TOPICS.vouchers.name,
      logger,
      onRecord: (partition, { offset, value }) => {
        if (value !== null) this.#records.set(`${partition}/${offset}`, decodeLogRecord(value));
      },
    });
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    await this.#reader.start();
    this.startMarks();
  }

  /** Says every 250 ms that all partitions are up to date. */
  startMarks(): void {
    this.#marking ??= setInterval(() => {
      this.#mark().catch(() => undefined);
    }, 250);
  }

  stopMarks(): void {
    clearInterval(this.#marking);
    this.#marking = undefined;
  }

  async publish(...channels: readonly ChannelFacts[]): Promise<void> {
    await this.#producer.send(
      channels.map((facts) => ({
        topic: TOPICS.channels.name,
        partition: facts.partition,
        key: Buffer.from(facts.id),
        value: encode({ $case: 'channel', value: viewOf(facts) }),
      })),
    );
  }

  /** The log record at this place; undefined while it has not been read. */
  record(place: { partition: number; offset: bigint }): LogBlock[] | undefined {
    return this.#records.get(`${place.partition}/${place.offset}`);
  }

  /** All vouchers and ticks of one channel, in order of offset. */
  entriesOf({ channelNo }: ChannelFacts): LogEntry[] {
    return [...this.#records.values()]
      .flat()
      .filter((block) => block.kind !== 'bundle')
      .filter((entry) => entry.channelNo === channelNo);
  }

  async stop(): Promise<void> {
    this.stopMarks();
    await Promise.all([this.#reader.stop(), this.#producer.disconnect()]);
  }

  async #mark(): Promise<void> {
    const value = encode({ $case: 'markMs', value: BigInt(Date.now()) });
    await this.#producer.send(
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic: TOPICS.channels.name,
        partition,
        key: 'mark',
        value,
      })),
    );
  }
}

/** A BooksService on a port of its own that knows some channels and counts those it is asked for. */
export async function startBooks(...channels: readonly ChannelFacts[]) {
  const known = new Map<string, ChannelFacts>();
  const hold = (facts: ChannelFacts) => known.set(Buffer.from(facts.id).toString('hex'), facts);
  for (const facts of channels) hold(facts);
  const books = { address: '', asked: 0, hold, stop: () => server.forceShutdown() };
  const server = new Server();
  const unused = () => {
    throw new Error('not asked for in this test');
  };
  server.addService(SERVICE_DEFINITIONS.BooksService, {
    creditDeposit: unused,
    resolveSuspense: unused,
    placeHold: unused,
    advanceWithdrawal: unused,
    listOpenWithdrawals: unused,
    listChannelViews: (
      call: ServerUnaryCall<ListChannelViewsRequest, ListChannelViewsResponse>,
      callback: sendUnaryData<ListChannelViewsResponse>,
    ) => {
      const ids = call.request.channelIds.toString('hex').match(/.{64}/g) ?? [];
      books.asked += ids.length;
      const token = call.metadata.get(INTERNAL_TOKEN_TRAILER)[0];
      if (token !== TOKEN) callback(toGrpcError(refuse('UNAUTHENTICATED', 'wrong token')));
      else callback(null, { views: ids.flatMap((id) => viewsOf(known.get(id))) });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  books.address = `127.0.0.1:${port}`;
  return books;
}

/** A session's metadata, signed by these keys. */
export function sessionOf(keys: KeyPair): Metadata {
  const validUntilMs = BigInt(Date.now()) + 3_600_000n;
  const account = keys.address;
  const signature = sign(DIGESTS.session(account, validUntilMs), keys.privateKey);
  const metadata = new Metadata();
  metadata.set(SESSION_TRAILER, formatSession({ account, validUntilMs, signature }));
  return metadata;
}

function viewsOf(facts: ChannelFacts | undefined): ChannelView[] {
  return facts === undefined ? [] : [viewOf(facts)];
}

function encode(
  record: { $case: 'channel'; value: ChannelView } | { $case: 'markMs'; value: bigint },
) {
  return Buffer.from(ChannelsRecord.encode({ record }).finish());
}
