import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { settingsToCorrect } from './topic-settings.js';

// Node finds only some names of this CommonJS package by itself.
const { ConfigResourceTypes, ConfigSource } = kafkajs;

/** For new topics to get their leaders. */
const [LEADERS_WITHIN_MS, LEADERS_POLL_MS] = [10_000, 50];
/** What a broker says of a topic that it has yet to hear of. */
const NOT_YET: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
]);

/** A topic as it must be. */
export type TopicSpec = {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
};

/**
 * Creates the topics that are missing and checks those that exist. Settings that promise less than needed
 * are corrected; those that promise more are left alone. What cannot be corrected is an error: another
 * number of partitions would send channels to other writers, and too few replicas could confirm no write.
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
    await create(
      admin,
      topics.filter(({ name }) => !existing.has(name)),
      replicas,
    );
    await checkPartitions(admin, topics);
    await correctSettings(
      admin,
      topics.filter(({ name }) => existing.has(name)),
    );
  } finally {
    await admin.disconnect();
  }
}

async function create(admin: Admin, topics: readonly TopicSpec[], replicas: number): Promise<void> {
  if (topics.length === 0) return;
  await admin.createTopics({
    waitForLeaders: false,
    topics: topics.map(({ name, partitions, config }) => ({
      topic: name,
      numPartitions: partitions,
      replicationFactor: replicas,
      configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    })),
  });
  const names = topics.map(({ name }) => name);
  await haveLeaders(admin, names);
}

/**
 * Resolves when every partition of these topics, which have just been created, has a leader; throws what kafkajs throws
 * when they have none for ten seconds. kafkajs itself looks once after a tenth of a second, which a busy broker can miss.
 */
export async function haveLeaders(admin: Admin, topics: readonly string[]): Promise<void> {
  const untilMs = performance.now() + LEADERS_WITHIN_MS;
  for (;;) {
    try {
      await admin.fetchTopicMetadata({ topics: [...topics] });
      return;
    } catch (error) {
      const { type } = error as { type?: string };
      if (!NOT_YET.has(type ?? '') || performance.now() > untilMs) throw error;
      await sleep(LEADERS_POLL_MS);
    }
  }
}

async function checkPartitions(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  const { topics: found } = await admin.fetchTopicMetadata({
    topics: topics.map(({ name }) => name),
  });
  for (const { name, partitions, config } of topics) {
    const actual = found.find((topic) => topic.name === name)?.partitions ?? [];
    if (actual.length !== partitions) {
      throw new Error(`topic ${name} has ${actual.length} partitions, ${partitions} are needed`);
    }
    const replicas = Math.min(...actual.map((partition) => partition.replicas.length));
    const confirming = Number(config['min.insync.replicas'] ?? 1);
    if (replicas < confirming) {
      throw new Error(
        `topic ${name} has ${replicas} replicas, ${confirming} must confirm each write: add replicas to its partitions (kafka-reassign-partitions.sh)`,
      );
    }
  }
}

async function correctSettings(admin: Admin, topics: readonly TopicSpec[]): Promise<void> {
  if (topics.length === 0) return;
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
  });
  const changes = topics.flatMap(({ name, config }) => {
    const entries = resources.find((found) => found.resourceName === name)?.configEntries ?? [];
    const settings = (from: typeof entries) =>
      Object.fromEntries(from.map(({ configName, configValue }) => [configName, configValue]));
    const corrected = settingsToCorrect(config, settings(entries));
    if (Object.keys(corrected).length === 0) return [];
    // Kafka replaces all of a topic's own settings at once: the others are sent along.
    const own = entries.filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG);
    const all = Object.entries({ ...settings(own), ...corrected });
    const configEntries = all.map(([key, value]) => ({ name: key, value }));
    return [{ type: ConfigResourceTypes.TOPIC, name, configEntries }];
  });
  if (changes.length > 0) await admin.alterConfigs({ validateOnly: false, resources: changes });
}
