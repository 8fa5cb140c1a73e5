import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '#libs/testing';
import { AuditRepository } from '../src/repositories/audit.repository.js';
import { AdminWorld } from './admin-world.js';
import { letWaitForApproval } from './fake-batches.js';
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

/** A process that is ready, and an operator who has signed in there. */
async function signedIn() {
  const { child } = start(world.env);
  const session = world.visitor();
  await eventually(async () => expect((await session.fetch('/readyz')).status).toBe(200), {
    timeoutMs: 30_000,
  });
  await session.login(OPERATOR_TOKEN);
  return { child, session };
}

test.each([
  ['before settlement has heard', 'request', 1],
  ['before settlement has answered', 'answer', 2],
] as const)(
  'killed after it has recorded a decision and %s, it keeps the record, and the decision is taken once',
  async (_when, lost, heard) => {
    const { state } = world.cluster;
    letWaitForApproval(state, 12n);
    Object.assign(state, { lost, losses: 0, decisions: [] });
    await world.database.sql`truncate admin.audit`;
    const order = { batchNo: '12', decision: 'approve', name: 'ann', reason: 'ticket 12' };
    const outcomes = () => world.database.sql<{ outcome: string }[]>`
      select outcome from admin.audit where action = 'batch-approve' order by audit_no`;

    const first = await signedIn();
    const unanswered = first.session.post('/api/batches/decide', order).catch(() => undefined);
    await eventually(() => expect(state.losses).toBe(1));
    expect(await outcomes()).toMatchObject([{ outcome: 'requested' }]);
    first.child.kill('SIGKILL');
    await Promise.all([once(first.child, 'exit'), unanswered]);

    state.lost = 'nothing';
    const second = await signedIn();
    const other = { ...order, decision: 'reject' };
    const early = (await second.session.post('/api/batches/decide', order)).status;
    const late = (await second.session.post('/api/batches/decide', other)).status;
    expect([early, late]).toEqual([200, 403]);
    expect(state.decisions.map(({ approve }) => approve)).toEqual(Array(heard).fill(true));
    expect((await outcomes()).map(({ outcome }) => outcome)).toEqual([
      'requested',
      'requested',
      'ok',
    ]);
    expect(await new AuditRepository(world.database).firstBroken()).toBeUndefined();
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
  },
);

test('the compiled service serves its page, and SIGTERM ends it and its open streams', async () => {
  const { child, session } = await signedIn();
  const exited = once(child, 'exit');
  expect(await (await session.fetch('/login')).text()).toContain('Operator token');
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
