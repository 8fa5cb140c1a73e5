import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { compiled } from '../../../deploy/local/src/root.js';

const folder = mkdtempSync(join(tmpdir(), 'swarmledger-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('measures a small load on a stack of its own, finds nothing lost, and leaves nothing behind', () => {
  const dataDir = join(folder, 'data');
  const args = [compiled('load-tests/src/bench/main.js'), '--only', 'unique', '--channels', '2000'];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...args, '--rate', '1000', '--seconds', '3', '--data', dataDir, '--json'],
    { encoding: 'utf8' },
  );
  expect(stderr).toContain('servers: postgres');
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  const figures = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  expect(Object.keys(figures)).toEqual([
    'rawVerifyPerSecond',
    'rawSha256PerSecond',
    'naivePerSecond',
    'uniquePerSecond',
    'uniqueToRaw',
    'compactedPerSecond',
    'ticksPerSecond',
    'bundledPerSecond',
    'ticksToNaive',
    'uniqueToNaive',
    'ackP99MsHalfLoad',
    'visibleP99Ms',
    'lostAcks',
    'conserved',
  ]);
  expect(figures).toMatchObject({ lostAcks: 0, conserved: true, ticksPerSecond: null });
  expect(figures.uniquePerSecond).toBeGreaterThan(0);
  expect(figures.naivePerSecond).toBeGreaterThan(50);
  expect(stdout).toMatch(/lost \/ unanswered +0 \/ 0/);
  expect(existsSync(dataDir)).toBe(false);
});
