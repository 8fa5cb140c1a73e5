import { TOPICS } from '#libs/contracts';
import type { TopicSpec } from '#libs/kafka';

/** What differs between one broker and a cluster. */
export type Replication = { readonly factor: number; readonly minInsync: number };

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
