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

/** Every topic with all its settings; throws when a record could be acknowledged by fewer replicas than promised. */
export function topicSpecs(replication: Replication): TopicSpec[] {
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
    },
  }));
}
