import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { prepareTemplate } from './template-database.js';
import { startTestServers } from './test-servers.js';

declare module 'vitest' {
  export interface ProvidedContext {
    databaseUrl: string;
    kafkaBrokers: string;
    templateDatabase: string;
  }
}

/**
 * Before the integration tests: a real Postgres with a migrated template database, and a real
 * Kafka with the ledger's topics. Tests read their addresses by the helpers of this library, or
 * from TEST_DATABASE_URL and TEST_KAFKA_BROKERS.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-int-'));
  const servers = await startTestServers(folder);
  try {
    const templateDatabase = await prepareTemplate(servers.databaseUrl);
    process.env.TEST_DATABASE_URL = servers.databaseUrl;
    process.env.TEST_KAFKA_BROKERS = servers.kafkaBrokers;
    project.provide('databaseUrl', servers.databaseUrl);
    project.provide('kafkaBrokers', servers.kafkaBrokers);
    project.provide('templateDatabase', templateDatabase);
    return () => servers.stop();
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
