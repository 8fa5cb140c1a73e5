import { describe, expect, it } from 'vitest';
import { TOPICS } from '#libs/contracts';
import { flushMessagesOf, replicationFor, replicationProblem, topicSpecs } from './topics.js';

describe('replication', () => {
  it.each([
    [1, { factor: 1, minInsync: 1 }],
    [2, { factor: 2, minInsync: 2 }],
    [3, { factor: 3, minInsync: 2 }],
    [9, { factor: 3, minInsync: 2 }],
  ])('of %i brokers is as safe as they allow', (brokers, replication) => {
    expect(replicationFor(brokers)).toEqual(replication);
    expect(replicationProblem(replication, brokers)).toBeUndefined();
    expect(() => topicSpecs(replication)).not.toThrow();
  });

  it.each([
    [{ factor: 3, minInsync: 1 }, 3, /acknowledged when it stands on one/],
    [{ factor: 1, minInsync: 1 }, 2, /acknowledged when it stands on one/],
    [{ factor: 3, minInsync: 2 }, 2, /only 2 brokers/],
  ])('%o is refused on %i brokers', (replication, brokers, problem) => {
    expect(replicationProblem(replication, brokers)).toMatch(problem);
  });
});

describe('topicSpecs', () => {
  it('gives every topic its own settings and the durability asked for', () => {
    const specs = topicSpecs({ factor: 3, minInsync: 2 });
    expect(specs.map(({ name }) => name)).toEqual(Object.values(TOPICS).map(({ name }) => name));
    for (const { name, config } of specs) {
      const topic = Object.values(TOPICS).find((each) => each.name === name);
      expect(config).toMatchObject({
        ...topic?.config,
        'min.insync.replicas': '2',
        'unclean.leader.election.enable': 'false',
      });
    }
  });

  it('leaves it to the broker when records go to disk, unless the variable says it', () => {
    const replication = { factor: 1, minInsync: 1 };
    const flushes = (env: NodeJS.ProcessEnv) =>
      topicSpecs(replication, flushMessagesOf(env)).map(({ config }) => config['flush.messages']);
    expect(new Set(flushes({}))).toEqual(new Set([undefined]));
    expect(new Set(flushes({ KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '1' }))).toEqual(new Set(['1']));
    for (const text of ['0', '-1', 'yes', '1.5']) {
      expect(() => flushes({ KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: text })).toThrow('from 1 on');
    }
  });

  it('refuses more in-sync replicas than replicas: nothing could be written', () => {
    expect(() => topicSpecs({ factor: 1, minInsync: 2 })).toThrow(/above TOPIC_REPLICATION_FACTOR/);
  });
});
