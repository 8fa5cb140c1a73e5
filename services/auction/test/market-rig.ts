import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import type { INestApplication } from '@nestjs/common';
import { Kafka, logLevel } from 'kafkajs';
import {
  type MarketMatch,
  MarketMatch as MarketMatchCodec,
  MarketServiceClient,
  TOPICS,
} from '#libs/contracts';
import { Database } from '#libs/database';
import { REASON_TRAILER, runService } from '#libs/grpc';
import { TopicReader } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { freePort, freshDatabase, type TestDatabase, testKafkaBrokers } from '#libs/testing';
import { appModule } from '../src/app.module.js';
import { loadConfig } from '../src/config.js';
import { BooksServer } from './books-server.js';
import { DOMAIN } from './traders.js';

const TOKEN = 'the secret of the test cluster';
const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' });

type Replica = {
  readonly app: INestApplication;
  readonly client: MarketServiceClient;
  readonly httpPort: number;
};

/** The auction service on a database of its own, with a stand-in for the books, and what it publishes. */
export class MarketRig {
  readonly events: MarketMatch['event'][] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'auction-'));
  readonly #replicas: Replica[] = [];
  #reader: TopicReader | undefined;

  private constructor(
    readonly testDatabase: TestDatabase,
    readonly database: Database,
    readonly books: BooksServer,
  ) {}

  static async start(): Promise<MarketRig> {
    const testDatabase = await freshDatabase();
    const database = new Database({
      url: testDatabase.url,
      applicationName: 'test',
      connectionsMax: 2,
    });
    const books = new BooksServer(await freePort(), TOKEN);
    await books.start();
    const rig = new MarketRig(testDatabase, database, books);
    await rig.#skipOlderOrders();
    await rig.#readMatches();
    await rig.startService();
    return rig;
  }

  /** Starts the service, or one more replica of it; calls go to the newest. */
  async startService(): Promise<void> {
    const ports = { http: await freePort(), grpc: await freePort() };
    const tokenFile = join(this.#folder, 'token');
    writeFileSync(tokenFile, TOKEN);
    const config = loadConfig({
      DATABASE_URL: this.testDatabase.url,
      KAFKA_BROKERS: testKafkaBrokers(),
      CHAIN_ID: String(DOMAIN.chainId),
      VAULT_ADDRESS: DOMAIN.vaultAddress,
      HTTP_PORT: String(ports.http),
      GRPC_PORT: String(ports.grpc),
      INTERNAL_TOKEN_FILE: tokenFile,
      BALANCE_INTERNAL_URL: `127.0.0.1:${this.books.port}`,
      ROUND_PERIOD_MS: '150',
    });
    const app = await runService({
      name: 'auction',
      logger,
      host: '127.0.0.1',
      httpPort: ports.http,
      module: appModule(config, logger),
      grpcPorts: [
        {
          services: ['MarketService'],
          host: '127.0.0.1',
          port: ports.grpc,
          reflection: false,
        },
      ],
    });
    const address = `127.0.0.1:${ports.grpc}`;
    const client = new MarketServiceClient(address, credentials.createInsecure());
    this.#replicas.push({ app, client, httpPort: ports.http });
  }

  /** Stops the oldest replica. */
  async stopService(): Promise<void> {
    const replica = this.#replicas.shift();
    replica?.client.close();
    await replica?.app.close();
  }

  async stop(): Promise<void> {
    while (this.#replicas.length > 0) await this.stopService();
    this.books.stop();
    await this.#reader?.stop();
    await this.database.close();
    await this.testDatabase.drop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Makes one call and waits for its answer. */
  call<A>(
    make: (
      client: MarketServiceClient,
      answer: (error: ServiceError | null, response: A) => void,
    ) => unknown,
  ): Promise<A> {
    const client = this.#replicas.at(-1)?.client;
    if (client === undefined) throw new Error('the service does not run');
    return new Promise((resolve, reject) => {
      make(client, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
  }

  /** What the books were told about a bid: `match <price>` or `release <cause>`, in order. */
  eventsOf(bidId: Buffer): string[] {
    return this.events.flatMap((event) => {
      if (event === undefined || !event.value.bidId.equals(bidId)) return [];
      return event.$case === 'match'
        ? [`match ${event.value.priceUnits}`]
        : [`release ${event.value.cause}`];
    });
  }

  async ops(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${this.#replicas.at(-1)?.httpPort}/${path}`);
    return { status: response.status, text: await response.text() };
  }

  // The topic is shared by all test files; this database starts where the topic ends.
  async #skipOlderOrders(): Promise<void> {
    const kafka = new Kafka({ brokers: testKafkaBrokers().split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(TOPICS.marketOrders.name);
    await admin.disconnect();
    for (const { partition, high } of offsets) {
      await this.database.sql`update market.log_offsets set next_offset = ${BigInt(high)}
        where part = ${partition}`;
    }
  }

  async #readMatches(): Promise<void> {
    const kafka = new Kafka({ brokers: testKafkaBrokers().split(','), logLevel: logLevel.NOTHING });
    this.#reader = new TopicReader({
      kafka,
      topic: TOPICS.marketMatches.name,
      logger,
      onRecord: (_partition, { value }) => {
        if (value !== null) this.events.push(MarketMatchCodec.decode(value).event);
      },
    });
    await this.#reader.start();
  }
}

/** The reason with which a call is refused. */
export async function reasonOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    const [reason] = (error as ServiceError).metadata.get(REASON_TRAILER);
    return String(reason);
  }
  return 'accepted';
}
