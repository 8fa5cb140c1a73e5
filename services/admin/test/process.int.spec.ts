import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  eventually,
  freePort,
  freshDatabase,
  type TestDatabase,
  testKafkaBrokers,
} from '#libs/testing';
import { BrowserSession } from './browser-session.js';
import { type FakeCluster, startFakeCluster } from './fake-cluster.js';
import { adminEnv, OPERATOR_TOKEN } from './running-admin.js';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'dist/services/admin/src/main.js');

let testDatabase: TestDatabase;
let cluster: FakeCluster;

beforeAll(async () => {
  testDatabase = await freshDatabase();
  cluster = await startFakeCluster();
});

afterAll(async () => {
  await cluster.stop();
  await testDatabase.drop();
});

function start(env: Record<string, string>): { child: ChildProcess; output: () => string } {
  expect(existsSync(MAIN), 'build first: npm run build').toBe(true);
  // Started elsewhere than in the repository, as in a container: files are found from the code.
  const child = spawn(process.execPath, [MAIN], { cwd: '/', env, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (text += part));
  return { child, output: () => text };
}

async function environment(): Promise<Record<string, string>> {
  return adminEnv({
    databaseUrl: testDatabase.url,
    kafkaBrokers: testKafkaBrokers(),
    cluster,
    httpPort: await freePort(),
  });
}

test('without an operator token nothing starts, and one sentence says why', async () => {
  const { OPERATOR_TOKEN_FILE: _token, ...env } = await environment();
  const { child, output } = start(env);
  const [code] = await once(child, 'exit');
  expect(code).toBe(78);
  expect(output()).toContain('OPERATOR_TOKEN_FILE');
});

test('the compiled service serves its page, and SIGTERM ends it and its open streams', async () => {
  const env = await environment();
  const { child } = start(env);
  const exited = once(child, 'exit');
  const session = new BrowserSession(`http://127.0.0.1:${env.HTTP_PORT}`);
  await eventually(async () => expect((await session.fetch('/readyz')).status).toBe(200), {
    timeoutMs: 30_000,
  });
  expect(await (await session.fetch('/login')).text()).toContain('Operator token');
  await session.login(OPERATOR_TOKEN);
  const events: string[] = [];
  let stoppedAtMs = 0;
  for await (const { event } of session.stream()) {
    events.push(event);
    if (stoppedAtMs === 0) {
      stoppedAtMs = Date.now();
      child.kill('SIGTERM');
    }
  }
  expect(events.at(-1)).toBe('bye');
  expect(await exited).toEqual([0, null]);
  expect(Date.now() - stoppedAtMs).toBeLessThan(10_000);
});
