import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOPICS } from '#libs/contracts';
import { migrate } from '#libs/database';
import { testDatabaseUrl, testKafkaBrokers } from '#libs/testing';
import { ROOT } from '../../deploy/checks/src/tools.js';

const MAIN = join(ROOT, 'dist/deploy/container/src/main.js');
const run = promisify(execFile);

/** Runs a role as a container does. */
async function role(args: string[], env: Record<string, string>) {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: build first (npm run build)`);
  return await run(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, ...env } });
}

describe('the container entry point', () => {
  it('says which roles there are when none is named', async () => {
    await expect(role([], {})).rejects.toMatchObject({
      code: 64,
      stderr: expect.stringContaining('ingest, balance'),
    });
  });

  it('refuses to start without the file that STACK_ENV_FILE names', async () => {
    await expect(role(['ingest'], { STACK_ENV_FILE: '/nowhere/stack.env' })).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining('/nowhere/stack.env, which does not exist'),
    });
  });
});

describe('provision topics', () => {
  const env = { KAFKA_BROKERS: testKafkaBrokers() };

  it('creates every topic with its settings, and is harmless when repeated', async () => {
    await role(['provision', 'topics'], env);
    const { stdout } = await role(['provision', 'topics'], env);
    expect(stdout).toContain('topics are there: vouchers, channels');
    const admin = new Kafka({
      brokers: env.KAFKA_BROKERS.split(','),
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    try {
      const names = Object.values(TOPICS).map(({ name }) => name);
      const { topics } = await admin.fetchTopicMetadata({ topics: names });
      for (const { name, partitions } of Object.values(TOPICS)) {
        expect(topics.find((topic) => topic.name === name)?.partitions).toHaveLength(partitions);
      }
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: TOPICS.vouchers.name }],
      });
      const config = Object.fromEntries(
        resources[0]?.configEntries.map((e) => [e.configName, e.configValue]) ?? [],
      );
      expect(config).toMatchObject({
        ...TOPICS.vouchers.config,
        'unclean.leader.election.enable': 'false',
      });
    } finally {
      await admin.disconnect();
    }
  });

  it('says which variable is wrong', async () => {
    await expect(
      role(['provision', 'topics'], { KAFKA_BROKERS: 'nonsense' }),
    ).rejects.toMatchObject({
      stderr: expect.stringContaining('KAFKA_BROKERS'),
    });
  });
});

describe('migrations as the operator of a managed Postgres runs them', () => {
  const name = `owned_${process.pid}`;
  const admin = postgres(testDatabaseUrl(), { max: 1, onnotice: () => undefined });
  beforeAll(async () => {
    // What CloudNativePG gives the owner in k8s/base/postgres: a login that may create roles, no superuser.
    await admin.unsafe(`create role ${name} login createrole password 'only-for-this-test'`);
    // Elsewhere the first migration creates these; on the tests' server they exist and belong to another owner.
    for (const service of ['balance', 'auction', 'settlement', 'admin']) {
      const roles = await admin`select from pg_roles where rolname = ${`swarmledger_${service}`}`;
      if (roles.length > 0) {
        await admin.unsafe(`grant swarmledger_${service} to ${name} with admin option`);
      }
    }
    await admin.unsafe(`create database ${name} owner ${name}`);
  });
  afterAll(async () => {
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.unsafe(`drop owned by ${name} cascade`);
    await admin.unsafe(`drop role ${name}`);
    await admin.end();
  });

  it('need no superuser, and let each service take its role', async () => {
    const url = new URL(testDatabaseUrl());
    url.username = name;
    url.password = 'only-for-this-test';
    url.pathname = `/${name}`;
    await migrate(url.href);
    const service = postgres(url.href, { max: 1, connection: { role: 'swarmledger_balance' } });
    try {
      const [row] = await service`select current_user as user_name, session_user as login`;
      expect(row).toEqual({ user_name: 'swarmledger_balance', login: name });
      await expect(service`create table settlement.stolen (id int)`).rejects.toThrow(
        /permission denied/,
      );
    } finally {
      await service.end();
    }
  });
});
