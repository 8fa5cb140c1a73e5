import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

let folder: string;
let server: ChildProcess;
let identity: ProcessIdentity;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-guard-'));
  server = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)']);
  await once(server, 'spawn');
  const found = identify(server.pid ?? 0);
  if (found === undefined) throw new Error('the process is gone');
  identity = found;
});

afterEach(() => {
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Lets a guard of the start at 100 see its launcher die, where the folder's state is of another start, or none. */
async function launcherDies(stateOf: number | undefined): Promise<void> {
  const state = join(folder, 'state.json');
  if (stateOf !== undefined) {
    const processes = [{ name: 'server', identity }, { name: 'not running' }];
    writeFileSync(state, JSON.stringify({ startedAtMs: stateOf, processes }));
  }
  const guard = spawn(
    process.execPath,
    [join(import.meta.dirname, 'guard.ts'), state, '100', folder],
    {
      stdio: ['pipe', 'inherit', 'inherit'],
    },
  );
  await once(guard, 'spawn');
  const ended = once(guard, 'exit');
  guard.stdin.end();
  expect((await ended)[0]).toBe(0);
}

test('ends what its own start left behind, and removes the folder', async () => {
  // A process that was sent SIGKILL dies a moment after the call.
  const killed = once(server, 'exit');
  await launcherDies(100);
  expect(await killed).toEqual([null, 'SIGKILL']);
  expect(isAlive(identity)).toBe(false);
  expect(existsSync(folder)).toBe(false);
});

test('leaves a stack alone that was started in the same folder since', async () => {
  await launcherDies(101);
  expect(isAlive(identity)).toBe(true);
  expect(existsSync(folder)).toBe(true);
});

test('removes the folder when the start had not got as far as writing its state', async () => {
  await launcherDies(undefined);
  expect(isAlive(identity)).toBe(true);
  expect(existsSync(folder)).toBe(false);
});
