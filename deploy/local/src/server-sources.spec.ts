import { describe, expect, test } from 'vitest';
import { chooseSource, NoServerError, type ServerName } from './server-sources.js';

const possible = (local: boolean, compose: boolean) => ({
  localPostgres: () => local,
  localKafka: () => local,
  compose: () => compose,
});

describe('where a server comes from', () => {
  test.each<[ServerName, NodeJS.ProcessEnv, boolean, boolean, string]>([
    ['kafka', { KAFKA_BROKERS: 'a:1' }, true, true, 'environment'],
    ['kafka', { KAFKA_BROKERS: '' }, true, true, 'local'],
    ['kafka', {}, false, true, 'compose'],
    ['postgres', { DATABASE_URL: 'postgres://x' }, false, false, 'environment'],
    ['postgres', {}, true, true, 'local'],
    ['postgres', {}, false, true, 'compose'],
    ['chain', { TRON_NODE_URL: 'http://x' }, true, true, 'environment'],
    ['chain', {}, false, false, 'local'],
  ])('%s with %j, local %s, Docker %s: %s', (server, env, local, compose, source) => {
    expect(chooseSource(server, env, possible(local, compose))).toBe(source);
  });

  test.each([
    ['kafka', ['JDK 17', 'Maven', 'Docker', 'KAFKA_BROKERS']],
    ['postgres', ['npm ci', 'Docker', 'DATABASE_URL']],
  ] as const)('is one sentence with three ways when there is no %s', (server, ways) => {
    const choose = () => chooseSource(server, {}, possible(false, false));
    expect(choose).toThrow(NoServerError);
    for (const way of ways) expect(choose).toThrow(way);
    expect(choose).toThrow(/^[^.\n]+\.$/);
  });

  test('does not ask Docker when a local server can be had', () => {
    const asked = { ...possible(true, false), compose: () => expect.unreachable() };
    expect(chooseSource('kafka', {}, asked)).toBe('local');
  });
});
