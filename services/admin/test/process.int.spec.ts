import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#libs/testing';
import { AdminWorld } from './admin-world.js';
import { OPERATOR_TOKEN } from './running-admin.js';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'dist/services/admin/src/main.js');

let world: AdminWorld;

beforeAll(async () => {
  world = await AdminWorld.start({ withoutAdmin: true });
});

afterAll(() => world.stop());

function start(env: Readonly<Record<string, string>>): {
  child: ChildProcess;
  output: () => string;
} {
  expect(existsSync(MAIN), 'build first: npm run build').toBe(true);
  // Started elsewhere than in the repository, as in a container: files are found from the code.
  const child = spawn(process.execPath, [MAIN], { cwd: '/', env, stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => (text += part));
  return { child, output: () => text };
}

test('without an operator token nothing starts, and one sentence says why', async () => {
  const { OPERATOR_TOKEN_FILE: _token, ...env } = world.env;
  const { child, output } = start(env);
  const [code] = await once(child, 'exit');
  expect(code).toBe(78);
  expect(output()).toContain('OPERATOR_TOKEN_FILE');
});

test('the compiled service serves its page, and SIGTERM ends it and its open streams', async () => {
  const { child } = start(world.env);
  const exited = once(child, 'exit');
  const session = world.visitor();
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
