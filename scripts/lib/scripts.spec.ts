import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { differences } from './folder-diff.mjs';
import { fuzzEnvironment } from './fuzz.mjs';
import { recordMatchesLock } from './install.mjs';
import { withLock } from './lock.mjs';
import { runSteps } from './steps.mjs';
import { closingLine, countTests, splitTestArguments } from './test.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scripts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('counting tests', () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
  };

  test.each([
    [report, 0, { passed: 5, failed: 0, skipped: 0 }],
    [{ ...report, numFailedTests: 2 }, 1, { passed: 5, failed: 2, skipped: 0 }],
    [
      { ...report, testResults: [{ status: 'failed', assertionResults: [] }] },
      1,
      { passed: 5, failed: 1, skipped: 0 },
    ],
    [{ ...report, numPendingTests: 1 }, 0, { passed: 5, failed: 0, skipped: 1 }],
    [report, 1, { passed: 5, failed: 1, skipped: 0 }],
    [undefined, 137, { passed: 0, failed: 1, skipped: 0 }],
  ])('counts %j ended with %i', (given, code, counts) => {
    expect(countTests(given, code)).toEqual(counts);
  });

  test('closes with a line that programs read', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
    expect(closingLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
  });

  test('takes tiers out of the arguments', () => {
    expect(splitTestArguments([])).toEqual({ tiers: ['unit', 'int', 'e2e'], rest: [] });
    expect(splitTestArguments(['int', 'libs/kafka'])).toEqual({
      tiers: ['int'],
      rest: ['libs/kafka'],
    });
  });
});

describe('comparing what is generated', () => {
  test('names missing, stale and left-over files', () => {
    for (const name of ['wanted/deep', 'present/deep'])
      mkdirSync(join(folder, name), { recursive: true });
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    write('wanted/same.ts', '1');
    write('present/same.ts', '1');
    write('wanted/deep/stale.ts', '1');
    write('present/deep/stale.ts', '2');
    write('wanted/missing.ts', '1');
    write('present/old.ts', '1');
    expect(differences(join(folder, 'wanted'), join(folder, 'present'))).toEqual([
      `${join('deep', 'stale.ts')} is stale`,
      'missing.ts is missing',
      'old.ts is left over',
    ]);
  });
});

describe('recognising an install', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0', integrity: 'x' },
      'node_modules/other-system': { version: '1.0.0', integrity: 'y', optional: true },
    },
  };

  test.each([
    [{ 'node_modules/a': { version: '1.0.0', integrity: 'x' } }, true],
    [{ 'node_modules/a': { version: '1.0.1', integrity: 'x' } }, false],
    [{ 'node_modules/a': { version: '1.0.0', integrity: 'z' } }, false],
    [{}, false],
  ])('compares what npm recorded: %j', (packages, expected) => {
    expect(recordMatchesLock(lock, { packages })).toBe(expected);
  });
});

describe('the lock of installs and builds', () => {
  test('lets one work at a time', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      order.push(`${name} ends`);
    };
    const path = join(folder, 'build.lock');
    await Promise.all([withLock(path, work('one')), withLock(path, work('other'))]);
    expect(order).toEqual(['one begins', 'one ends', 'other begins', 'other ends']);
  });

  test('is taken over from a dead process', async () => {
    const path = join(folder, 'build.lock');
    writeFileSync(path, `${2 ** 22 + 1} 1`);
    expect(await withLock(path, async () => 'done')).toBe('done');
  });
});

describe('steps of the check', () => {
  const step = (name: string, code: number, after?: string) => ({
    name,
    run: async () => ({ code, output: name }),
    ...(after ? { after } : {}),
  });

  test('run at most two at a time', async () => {
    let running = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return { code: 0, output: '' };
    };
    const names = ['a', 'b', 'c', 'd', 'e'];
    const results = await runSteps(
      names.map((name) => ({ name, run })),
      2,
    );
    expect(most).toBe(2);
    expect(results.map((result) => result.name)).toEqual(names);
  });

  test('leave out what needs a failed one, and report a step that throws', async () => {
    const broken = { name: 'broken', run: () => Promise.reject(new Error('disk full')) };
    const results = await runSteps([step('types', 1), step('contracts', 0, 'types'), broken], 2);
    expect(results.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(results[1].output).toBe('not run: types failed');
    expect(results[2].output).toContain('disk full');
  });
});

describe('fuzzing', () => {
  test('takes how many cases and which seed', () => {
    expect(fuzzEnvironment([])).toEqual({ env: { FUZZ_CASES: '100000', FUZZ_SEED: '' } });
    expect(fuzzEnvironment(['--cases', '5000000', '--seed', '7'])).toEqual({
      env: { FUZZ_CASES: '5000000', FUZZ_SEED: '7' },
    });
  });

  test.each([
    [['--cases', 'many'], /--cases .*"many"/],
    [['--seed', '-1'], /seed/],
    [['--rounds', '3'], /rounds/],
  ])('says what is wrong with %j', (args, mistake) => {
    expect(fuzzEnvironment(args).mistake).toMatch(mistake);
  });
});
