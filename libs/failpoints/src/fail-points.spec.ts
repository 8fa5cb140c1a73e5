import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { armFailPoints, FAIL_POINTS, failPoint } from './fail-points.js';
import { FailPointError, parseFailPoints } from './parse.js';

describe('the text that arms fail-points', () => {
  it.each([
    ['', []],
    ['balance.after-merge:3', [{ name: 'balance.after-merge', pass: 3, action: 'kill' }]],
    [
      ' ingest.before-ack:1, balance.after-poll:12:stop\n',
      [
        { name: 'ingest.before-ack', pass: 1, action: 'kill' },
        { name: 'balance.after-poll', pass: 12, action: 'stop' },
      ],
    ],
  ])('%j is read', (text, points) => {
    expect(parseFailPoints(text, FAIL_POINTS)).toEqual(points);
  });

  it.each([
    ['balance.after-merge', /not name:pass/],
    ['balance.after-merge:0', /not name:pass/],
    ['balance.after-merge:1:pause', /not name:pass/],
    ['balance.after-nap:1', /no fail-point "balance.after-nap"/],
    ['ingest.before-ack:1,ingest.before-ack:2', /twice/],
  ])('%j is refused', (text, message) => {
    expect(() => parseFailPoints(text, FAIL_POINTS)).toThrow(message);
  });
});

describe('arming', () => {
  it.each([{ FAIL_POINTS: 'ingest.before-ack:1' }, { FAIL_POINTS_FILE: '/nowhere' }])(
    'is refused in production: %j',
    (env) => {
      expect(() => armFailPoints({ ...env, NODE_ENV: 'production' })).toThrow(FailPointError);
    },
  );

  it('does nothing without the variables, in production too', () => {
    armFailPoints({ NODE_ENV: 'production', FAIL_POINTS: '' });
    failPoint('ingest.before-ack');
  });
});

// The children are programs of their own, since it is them that die. They import the sources: the
// few of this lib need no compiler but the one inside Node.
describe('a process that passes a fail-point', () => {
  let folder: string;
  let child: ChildProcess | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'failpoints-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const start = (env: Record<string, string>) => {
    const sources = ['parse', 'fail-points'].map((name) =>
      readFileSync(join(import.meta.dirname, `${name}.ts`), 'utf8').replaceAll('.js', '.ts'),
    );
    writeFileSync(join(folder, 'parse.ts'), sources[0] ?? '');
    writeFileSync(join(folder, 'fail-points.ts'), sources[1] ?? '');
    const lib = pathToFileURL(join(folder, 'fail-points.ts')).href;
    writeFileSync(
      join(folder, 'child.mjs'),
      `import { armFailPoints, failPoint } from '${lib}';
       armFailPoints(process.env);
       let passes = 0;
       setInterval(() => {
         process.stdout.write(String(++passes) + '\\n');
         failPoint('balance.after-merge');
       }, 5);`,
    );
    child = spawn(process.execPath, ['--no-warnings', join(folder, 'child.mjs')], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { passes: '', errors: '' };
    child.stdout?.on('data', (text) => {
      output.passes += String(text);
    });
    child.stderr?.on('data', (text) => {
      output.errors += String(text);
    });
    return { running: child, output };
  };

  it('is killed at the pass that was named, and says so first', async () => {
    const { running, output } = start({ FAIL_POINTS: 'balance.after-merge:3' });
    const [code, signal] = (await once(running, 'close')) as [number | null, string | null];
    expect({ code, signal, passes: output.passes.trim().split('\n').at(-1) }).toEqual({
      code: null,
      signal: 'SIGKILL',
      passes: '3',
    });
    expect(output.errors).toBe(
      `fail-point balance.after-merge: SIGKILL to process ${running.pid}\n`,
    );
  });

  it('runs on until SIGUSR2 tells it to read the file', async () => {
    const file = join(folder, 'points');
    const { running } = start({ FAIL_POINTS_FILE: file });
    if (running.stdout) await once(running.stdout, 'data');
    writeFileSync(file, 'balance.after-merge:2');
    running.kill('SIGUSR2');
    expect((await once(running, 'close'))[1]).toBe('SIGKILL');
  });

  it('does not start in production, nor with a typing error', async () => {
    for (const env of [
      { FAIL_POINTS: 'balance.after-merge:1', NODE_ENV: 'production' },
      { FAIL_POINTS: 'balance.after-nap:1' },
    ]) {
      const { running, output } = start(env);
      expect((await once(running, 'close'))[0]).toBe(1);
      expect(output.errors).toContain('FailPointError');
      expect(output.passes).toBe('');
    }
  });
});
