import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { afterAll, describe, expect, test } from 'vitest';
import { TOPICS } from '#libs/contracts';
import { freshDatabase } from './test-database.js';
import { freshTopic, testKafkaBrokers } from './test-kafka.js';

describe('the servers of the integration tests', () => {
  const admin = new Kafka({
    brokers: testKafkaBrokers().split(','),
    logLevel: logLevel.NOTHING,
  }).admin();
  afterAll(() => admin.disconnect());

  test('give each test file a migrated database of its own', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
    const sql = postgres(one.url, { max: 1 });
    const schemas =
      await sql`select 1 from information_schema.schemata where schema_name = 'ledger'`;
    expect(schemas).toHaveLength(1);
    await sql`create table only_here (id int)`;
    const elsewhere = postgres(other.url, { max: 1 });
    await expect(elsewhere`select * from only_here`).rejects.toThrow('does not exist');
    await Promise.all([sql.end(), elsewhere.end()]);
    await Promise.all([one.drop(), other.drop()]);
  });

  test('run Postgres 18 with the settings of the local stack', async () => {
    const database = await freshDatabase();
    const sql = postgres(database.url, { max: 1 });
    const [row] = await sql`select current_setting('server_version_num')::int / 10000 as major`;
    expect(row?.major).toBe(18);
    await sql.end();
    await database.drop();
  });

  test('have the topics of the ledger, and no others by accident', async () => {
    await admin.connect();
    const names = await admin.listTopics();
    for (const topic of Object.values(TOPICS)) expect(names).toContain(topic.name);
    await expect(admin.fetchTopicMetadata({ topics: ['never-created'] })).rejects.toThrow(
      /does not host this topic-partition/,
    );
    expect(await admin.listTopics()).not.toContain('never-created');
  });

  test('make topics with unique names', async () => {
    const [one, other] = await Promise.all([
      freshTopic({ prefix: 'twin', partitions: 3 }),
      freshTopic({ prefix: 'twin' }),
    ]);
    const { topics } = await admin.fetchTopicMetadata({ topics: [one, other] });
    const counts = topics.map((topic) => [topic.name, topic.partitions.length]);
    expect(new Map(counts as [string, number][])).toEqual(
      new Map([
        [one, 3],
        [other, 1],
      ]),
    );
  });
});
