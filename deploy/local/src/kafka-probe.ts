import { Kafka, logLevel } from 'kafkajs';
import { TOPICS } from '#libs/contracts';
import { ensureTopics } from '#libs/kafka';
import { replicationFor, topicSpecs } from '../../provision/src/topics.js';

/** The largest record batch that any topic takes; the broker must not refuse what a topic allows. */
export const MESSAGE_BYTES_MAX = Math.max(
  ...Object.values(TOPICS).map((topic) => Number(topic.config['max.message.bytes'])),
);

function client(brokers: string, retries: number): Kafka {
  return new Kafka({
    clientId: 'swarmledger-stack',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
}

/** True when a broker answers and knows of itself as a member of the cluster. */
export async function kafkaAnswers(brokers: string): Promise<boolean> {
  const admin = client(brokers, 0).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length > 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/**
 * Creates the ledger's topics on the brokers, as safe as their number allows, and corrects those that exist. With
 * `flushMessages` the topics say themselves after how many records they are forced to disk.
 */
export async function createTopics(brokers: string, flushMessages?: number): Promise<void> {
  const kafka = client(brokers, 8);
  const admin = kafka.admin();
  await admin.connect();
  const cluster = await admin.describeCluster().finally(() => admin.disconnect());
  const replication = replicationFor(cluster.brokers.length);
  await ensureTopics(kafka, topicSpecs(replication, flushMessages), replication.factor);
}
