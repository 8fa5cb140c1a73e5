import type { Kafka } from 'kafkajs';

/** A topic as it must be. */
export type TopicSpec = {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
};

/**
 * Creates the topics that are missing and checks those that exist: another number of partitions
 * would send channels to other writers, so it is an error, never repaired silently.
 */
export async function ensureTopics(
  kafka: Kafka,
  topics: readonly TopicSpec[],
  replicas: number,
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter(({ name }) => !existing.has(name));
    if (missing.length > 0) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map(({ name, partitions, config }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor: replicas,
          configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        })),
      });
    }
    const { topics: found } = await admin.fetchTopicMetadata({
      topics: topics.map(({ name }) => name),
    });
    for (const { name, partitions } of topics) {
      const actual = found.find((topic) => topic.name === name)?.partitions.length;
      if (actual !== partitions) {
        throw new Error(`topic ${name} has ${actual} partitions, ${partitions} are needed`);
      }
    }
  } finally {
    await admin.disconnect();
  }
}
