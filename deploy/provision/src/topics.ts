import { TOPICS } from '#libs/contracts';
import type { TopicSpec } from '#libs/kafka';

/** What differs between one broker and a cluster. */
export type Replication = { readonly factor: number; readonly minInsync: number };

/** Replicas of a record that a cluster of this size gives: three where it can, two of which must confirm a write. */
export function replicationFor(brokers: number): Replication {
  const factor = Math.max(1, Math.min(3, brokers));
  return { factor, minInsync: Math.min(2, factor) };
}

/**
 * Why this replication must not be used on a cluster of this size, or undefined. Only a single broker, which
 * cannot do better, may acknowledge what stands in one place.
 */
export function replicationProblem(
  { factor, minInsync }: Replication,
  brokers: number,
): string | undefined {
  if (factor > brokers) {
    return `TOPIC_REPLICATION_FACTOR is ${factor}, the cluster has only ${brokers} brokers`;
  }
  if (brokers > 1 && minInsync < 2) {
    return `the cluster has ${brokers} brokers, but a record would be acknowledged when it stands on one: set TOPIC_MIN_INSYNC_REPLICAS to 2 and TOPIC_REPLICATION_FACTOR to 2 or more`;
  }
  return undefined;
}

/**
 * After how many records a broker forces them to disk: the variable that Compose hands to its broker, or undefined. With 1
 * an acknowledgement survives a power loss of the broker's machine. Throws when it is no number from 1 on.
 */
export function flushMessagesOf(env: NodeJS.ProcessEnv): number | undefined {
  const text = env.KAFKA_LOG_FLUSH_INTERVAL_MESSAGES;
  if (text === undefined || text === '') return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`KAFKA_LOG_FLUSH_INTERVAL_MESSAGES must be a number from 1 on, not "${text}"`);
}

/** Every topic with all its settings; throws when a record could be acknowledged by fewer replicas than promised. */
export function topicSpecs(replication: Replication, flushMessages?: number): TopicSpec[] {
  if (replication.minInsync > replication.factor) {
    throw new Error(
      `TOPIC_MIN_INSYNC_REPLICAS (${replication.minInsync}) is above TOPIC_REPLICATION_FACTOR (${replication.factor}): nothing could be written`,
    );
  }
  return Object.values(TOPICS).map(({ name, partitions, config }) => ({
    name,
    partitions,
    config: {
      ...config,
      'min.insync.replicas': String(replication.minInsync),
      'unclean.leader.election.enable': 'false',
      ...(flushMessages === undefined ? {} : { 'flush.messages': String(flushMessages) }),
    },
  }));
}
