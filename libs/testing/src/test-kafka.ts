import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { inject } from 'vitest';
import { haveLeaders } from '#libs/kafka';

/** Comma list of brokers of the integration tests. */
export function testKafkaBrokers(): string {
  return inject('kafkaBrokers');
}

/** A name that no other test uses. */
export function uniqueTopic(prefix = 'test'): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

export interface TopicOptions {
  readonly prefix?: string;
  readonly partitions?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** Creates a topic with a unique name and waits for its leaders. Returns the name. */
export async function freshTopic(
  { prefix, partitions = 1, config = {} }: TopicOptions = {},
  brokers: string = testKafkaBrokers(),
): Promise<string> {
  const topic = uniqueTopic(prefix);
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
    await haveLeaders(admin, [topic]);
  } finally {
    await admin.disconnect();
  }
  return topic;
}
