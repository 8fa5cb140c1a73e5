import { Kafka, logLevel } from 'kafkajs';
import { z } from 'zod';
import { hostPorts, integer, parseEnv } from '#libs/config';
import { Database } from '#libs/database';
import { ensureTopics } from '#libs/kafka';
import { adoptLog } from './adopt-log.js';
import { provisionChain } from './chain.js';
import { ensureSecrets } from './secrets.js';
import { flushMessagesOf, replicationProblem, topicSpecs } from './topics.js';

const USAGE = `usage: node main.js secrets | topics | chain | adopt-log [--confirm]
One-shot jobs that make what the services rely on; each is safe to repeat.
  secrets  STACK_DIR                          tokens and the hot wallet's key, where missing
  topics   KAFKA_BROKERS, TOPIC_REPLICATION_FACTOR (1), TOPIC_MIN_INSYNC_REPLICAS (1),
           KAFKA_LOG_FLUSH_INTERVAL_MESSAGES (the broker's)
  chain    STACK_DIR, TRON_NODE_URL           contracts on the local chain, and their addresses in stack.env;
           or CHAIN_ID, VAULT_ADDRESS, TRC20_ADDRESS, TRC10_ID of another chain
  adopt-log  DATABASE_URL, KAFKA_BROKERS      says which logs the services refuse and why; with --confirm
           they begin anew (docs/operations.md says when that is right)
`;

const JOBS: Readonly<Record<string, (env: NodeJS.ProcessEnv) => Promise<string>>> = {
  secrets: async (env) => {
    const created = ensureSecrets(stackFolder(env));
    return created.length === 0 ? 'all secrets exist' : `made ${created.join(', ')}`;
  },
  topics: async (env) => {
    const replicas = integer({ min: 1, max: 9 }).default(1);
    const config = parseEnv(
      {
        KAFKA_BROKERS: hostPorts(),
        TOPIC_REPLICATION_FACTOR: replicas,
        TOPIC_MIN_INSYNC_REPLICAS: replicas,
      },
      env,
    );
    const factor = config.TOPIC_REPLICATION_FACTOR;
    const replication = { factor, minInsync: config.TOPIC_MIN_INSYNC_REPLICAS };
    const topics = topicSpecs(replication, flushMessagesOf(env));
    const kafka = connect(config.KAFKA_BROKERS);
    const problem = replicationProblem(replication, await brokerCount(kafka));
    if (problem !== undefined) throw new Error(problem);
    await ensureTopics(kafka, topics, factor);
    return `topics are there: ${topics.map(({ name }) => name).join(', ')}`;
  },
  chain: async (env) => {
    const chain = await provisionChain(stackFolder(env), env);
    return `the ledger is backed by vault ${chain.VAULT_ADDRESS} on chain ${chain.CHAIN_ID}`;
  },
  'adopt-log': async (env) => {
    const config = parseEnv({ DATABASE_URL: z.string(), KAFKA_BROKERS: hostPorts() }, env);
    // As the owner of both schemas; no service may write the other's.
    const database = new Database({
      url: config.DATABASE_URL,
      applicationName: 'adopt-log',
      connectionsMax: 1,
    });
    try {
      const confirmed = process.argv.includes('--confirm');
      return await adoptLog(database, connect(config.KAFKA_BROKERS), confirmed);
    } finally {
      await database.close();
    }
  },
};

function connect(brokers: readonly string[]): Kafka {
  return new Kafka({
    clientId: 'swarmledger-provision',
    brokers: [...brokers],
    logLevel: logLevel.ERROR,
    retry: { retries: 10, initialRetryTime: 300, maxRetryTime: 3_000 },
  });
}

async function brokerCount(kafka: Kafka): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster().finally(() => admin.disconnect());
  return brokers.length;
}

function stackFolder(env: NodeJS.ProcessEnv): string {
  return parseEnv({ STACK_DIR: z.string() }, env).STACK_DIR;
}

// In the image the role comes first; `node main.js secrets` works as well.
const job = process.argv.slice(2).find((argument) => argument !== 'provision') ?? '';
const run = Object.hasOwn(JOBS, job) ? JOBS[job] : undefined;
if (run === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = job === '--help' ? 0 : 64;
} else {
  try {
    process.stdout.write(`${await run(process.env)}\n`);
  } catch (error) {
    process.stderr.write(`${job}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
