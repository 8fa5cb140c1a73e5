import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import {
  ChannelsRecord,
  type ListChannelViewsRequest,
  type ListChannelViewsResponse,
  SERVICE_DEFINITIONS,
  TOPICS,
} from '#libs/contracts';
import { createKafka, Producer, TopicReader } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { testKafkaBrokers } from '#libs/testing';
import type { ChannelFacts } from '../../src/domain/channel.js';
import { PARTITIONS } from '../factory.js';
import { viewOf } from '../wire.js';
import { LogAudit } from './audit.js';
import { IngestProcess } from './ingest-process.js';

const TOKEN = 'the secret of the hostile tests';
const MARK_EVERY_MS = 250;

/**
 * A real ingest process on a real Kafka, books that know the test's channels, and an audit of all that
 * the process writes into the voucher log.
 */
export class Rig {
  /** What the books know, by id in hex. */
  readonly facts = new Map<string, ChannelFacts>();
  readonly bundles = new Set<string>();
  readonly audit = new LogAudit(this.bundles, () => BigInt(Date.now()));
  readonly #producer: Producer;
  readonly #reader: TopicReader;
  readonly #books = new Server();
  #marking: NodeJS.Timeout | undefined;
  #ingest: IngestProcess | undefined;

  private constructor() {
    const logger = createLogger({ name: 'hostile', level: 'silent' });
    const brokers = testKafkaBrokers().split(',');
    const kafka = createKafka({ clientId: 'hostile', brokers, logger });
    this.#producer = new Producer(kafka);
    this.#reader = new TopicReader({
      kafka,
      topic: TOPICS.vouchers.name,
      logger,
      fromBeginning: false,
      onRecord: (_partition, { value }) => {
        if (value !== null) this.audit.record(value);
      },
    });
  }

  /** `env` is added to the process's own environment. */
  static async start(env: Record<string, string> = {}): Promise<Rig> {
    const rig = new Rig();
    try {
      await rig.#start(env);
      return rig;
    } catch (error) {
      await rig.stop();
      throw error;
    }
  }

  get ingest(): IngestProcess {
    if (this.#ingest === undefined) throw new Error('the rig is not started');
    return this.#ingest;
  }

  /** Ends all parts; answers how the service ended, 0 when cleanly. */
  async stop(): Promise<number | null | undefined> {
    const code = await this.#ingest?.stop();
    clearInterval(this.#marking);
    this.#books.forceShutdown();
    await Promise.allSettled([this.#reader.stop(), this.#producer.disconnect()]);
    return code;
  }

  async #start(env: Record<string, string>): Promise<void> {
    await this.#producer.connect();
    await this.#reader.start();
    this.#marking = setInterval(() => void this.#mark().catch(() => undefined), MARK_EVERY_MS);
    const balance = await this.#startBooks();
    this.#ingest = await IngestProcess.start({
      brokers: testKafkaBrokers(),
      balance,
      token: TOKEN,
      env,
    });
  }

  async #mark(): Promise<void> {
    const record = { $case: 'markMs', value: BigInt(Date.now()) } as const;
    const value = Buffer.from(ChannelsRecord.encode({ record }).finish());
    const topic = TOPICS.channels.name;
    await this.#producer.send(
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic,
        partition,
        key: 'mark',
        value,
      })),
    );
  }

  async #startBooks(): Promise<string> {
    const unused = () => undefined;
    this.#books.addService(SERVICE_DEFINITIONS.BooksService, {
      creditDeposit: unused,
      resolveSuspense: unused,
      placeHold: unused,
      advanceWithdrawal: unused,
      listOpenWithdrawals: unused,
      listChannelViews: (
        call: ServerUnaryCall<ListChannelViewsRequest, ListChannelViewsResponse>,
        callback: sendUnaryData<ListChannelViewsResponse>,
      ) => {
        const { channelIds } = call.request;
        const views = Array.from({ length: channelIds.length / 32 }, (_, at) =>
          this.facts.get(channelIds.subarray(at * 32, at * 32 + 32).toString('hex')),
        ).flatMap((facts) => (facts === undefined ? [] : [viewOf(facts)]));
        callback(null, { views });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      this.#books.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${port}`;
  }
}
