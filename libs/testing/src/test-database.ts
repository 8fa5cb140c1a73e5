import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { cloneDatabase, dropDatabase, TEMPLATE_DATABASE } from './template-database.js';

export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  drop(): Promise<void>;
}

/** The server of the integration tests: its maintenance URL. Not for use outside the `int` project. */
export function testDatabaseUrl(): string {
  return inject('databaseUrl');
}

/**
 * A migrated, empty database of its own for the calling test file. Drop it when done:
 * `const db = await freshDatabase(); afterAll(() => db.drop());`
 */
export async function freshDatabase(serverUrl: string = testDatabaseUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = await cloneDatabase(serverUrl, TEMPLATE_DATABASE, name);
  return { url, name, drop: () => dropDatabase(serverUrl, name) };
}
