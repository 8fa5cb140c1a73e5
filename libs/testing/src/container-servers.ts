import { PostgreSqlContainer, type StartedPostgreSqlContainer } from '@testcontainers/postgresql';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { createTopics, MESSAGE_BYTES_MAX } from '../../../deploy/local/src/kafka-probe.js';
import { freePort } from './free-port.js';

/** Postgres and Kafka for tests, wherever they come from. */
export interface TestServers {
  /** A database in which the tests may create others. */
  readonly databaseUrl: string;
  readonly kafkaBrokers: string;
  stop(): Promise<void>;
}

/** The versions that docker-compose.yml runs. */
const POSTGRES_IMAGE = 'postgres:18';
const KAFKA_IMAGE = 'apache/kafka:4.1.2';

const START_TIMEOUT_MS = 180_000;

/** The host under which a Docker engine publishes ports, or undefined when no engine answers. */
export async function dockerHost(): Promise<string | undefined> {
  try {
    return (await getContainerRuntimeClient()).info.containerRuntime.host;
  } catch {
    return undefined;
  }
}

function startPostgres(): Promise<StartedPostgreSqlContainer> {
  return new PostgreSqlContainer(POSTGRES_IMAGE)
    .withUsername('swarmledger')
    .withDatabase('swarmledger')
    .withCommand(['postgres', '-c', 'max_connections=200', '-c', 'fsync=off'])
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
}

/** The broker tells clients its address, so the published port is chosen before it starts. */
async function startKafka(host: string) {
  const port = await freePort();
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts({ container: 9094, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@127.0.0.1:9093',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENERS: 'HOST://:9094,CONTROLLER://127.0.0.1:9093',
      KAFKA_ADVERTISED_LISTENERS: `HOST://${host}:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'HOST:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'HOST',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_MESSAGE_MAX_BYTES: String(MESSAGE_BYTES_MAX),
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return { container, brokers: `${host}:${port}` };
}

/**
 * Starts what `given` lacks in containers. They end with `stop`, or by the reaper of testcontainers
 * when the tests die. Throws when an image cannot be had; nothing is left running then.
 */
export async function startContainers(
  host: string,
  given: { databaseUrl?: string | undefined; kafkaBrokers?: string | undefined },
): Promise<TestServers> {
  const [database, broker] = await Promise.allSettled([
    given.databaseUrl ? undefined : startPostgres(),
    given.kafkaBrokers ? undefined : startKafka(host),
  ]);
  const stop = async () => {
    await Promise.all([
      database.status === 'fulfilled' ? database.value?.stop() : undefined,
      broker.status === 'fulfilled' ? broker.value?.container.stop() : undefined,
    ]);
  };
  if (database.status === 'rejected' || broker.status === 'rejected') {
    await stop();
    throw database.status === 'rejected'
      ? database.reason
      : (broker as PromiseRejectedResult).reason;
  }
  const kafkaBrokers = given.kafkaBrokers ?? broker.value?.brokers ?? '';
  await createTopics(kafkaBrokers);
  const databaseUrl = given.databaseUrl ?? database.value?.getConnectionUri() ?? '';
  return { databaseUrl, kafkaBrokers, stop };
}
