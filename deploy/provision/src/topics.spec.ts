import { describe, expect, it } from 'vitest';
import { TOPICS } from '#libs/contracts';
import { topicSpecs } from './topics.js';

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

  it('refuses more in-sync replicas than replicas: nothing could be written', () => {
    expect(() => topicSpecs({ factor: 1, minInsync: 2 })).toThrow(/above TOPIC_REPLICATION_FACTOR/);
  });
});
