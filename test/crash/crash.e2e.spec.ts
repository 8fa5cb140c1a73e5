import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { compiled, repositoryRoot } from '../../deploy/local/src/root.js';
import { CRASH_POINTS } from './src/points.js';

// The short form of npm run test:crash: one kill at every point.
it('loses nothing and applies nothing twice when anything is killed at any point', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [compiled('test/crash/src/main.js'), '--rounds', '1', '--json'],
    { cwd: repositoryRoot, maxBuffer: 16 * 1024 * 1024 },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`the crash test failed:\n${error.stderr}\n${error.stdout}`);
  });
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  expect(result).toMatchObject({
    passed: true,
    kills: CRASH_POINTS.length,
    failedRounds: 0,
    lost: 0,
    doubled: 0,
    wrong: 0,
  });
}, 600_000);
