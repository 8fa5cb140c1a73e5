import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { compiled, repositoryRoot } from '../../deploy/local/src/root.js';
import { SHORT } from './src/options.js';

// The short form of npm run test:settlement. A leader is paused for longer than it keeps its lock.
it('pays once and credits once whatever is killed and whoever lies', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [compiled('test/settlement/src/main.js'), '--short', '--pause', '12', '--json'],
    { cwd: repositoryRoot, maxBuffer: 16 * 1024 * 1024 },
  ).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`the settlement test failed:\n${error.stderr}\n${error.stdout}`);
  });
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  expect(result).toMatchObject({
    passed: true,
    rounds: SHORT.length,
    failedRounds: 0,
    doubled: 0,
    lost: 0,
    wrong: 0,
  });
}, 600_000);
