import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '#libs/testing';
import { DEATHS_MAX } from './backoff.js';
import { isAlive } from './process-identity.js';
import { type ProcessSpec, SupervisedProcess } from './supervised-process.js';

describe('a supervised process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'supervised-'));
  const started: SupervisedProcess[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop(500)));
    rmSync(join(folder, 'log'), { force: true });
  });

  const make = (script: string, given: Partial<ProcessSpec> = {}) => {
    const events: string[] = [];
    const spec: ProcessSpec = {
      name: 'sample',
      command: process.execPath,
      args: ['-e', script],
      env: process.env,
      cwd: folder,
      logFile: join(folder, 'log'),
      stopSignal: 'SIGTERM',
      isReady: async () =>
        existsSync(join(folder, 'log')) && /ready/.test(readFileSync(join(folder, 'log'), 'utf8')),
      readyTimeoutMs: 10_000,
      restart: true,
      ...given,
    };
    const made = new SupervisedProcess(spec, (event) => events.push(event));
    started.push(made);
    return { process: made, events };
  };
  const LASTING = 'console.log("ready"); setInterval(() => {}, 1000)';

  test('runs until it is stopped', async () => {
    const { process: sample } = make(LASTING);
    await sample.start();
    expect(sample.phase).toBe('running');
    const identity = sample.identity!;
    await sample.stop(5_000);
    expect(isAlive(identity)).toBe(false);
    expect(sample.phase).toBe('stopped');
  });

  test('is started again when it is killed', async () => {
    const { process: sample, events } = make(LASTING);
    await sample.start();
    const first = sample.identity!;
    process.kill(first.pid, 'SIGKILL');
    await eventually(() => expect([sample.phase, sample.restarts]).toEqual(['running', 1]));
    expect(sample.identity!.pid).not.toBe(first.pid);
    expect(events).toContain('died');
  });

  test('is started again at once and for ever, if that is wanted', async () => {
    const { process: sample, events } = make(LASTING, { restart: 'always' });
    await sample.start();
    for (let deaths = 1; deaths <= DEATHS_MAX + 1; deaths++) {
      process.kill(sample.identity!.pid, 'SIGKILL');
      await eventually(() => expect([sample.phase, sample.restarts]).toEqual(['running', deaths]));
    }
    expect(events).not.toContain('gave-up');
  });

  test('is killed when it does not heed the stop signal', async () => {
    const { process: sample } = make(`process.on("SIGTERM", () => {}); ${LASTING}`);
    await sample.start();
    const identity = sample.identity!;
    await sample.stop(200);
    expect(isAlive(identity)).toBe(false);
  });

  test('tells the end of its log when it dies at the start', async () => {
    const { process: sample } = make('console.error("no such table"); process.exit(3)');
    await expect(sample.start()).rejects.toThrow(/sample did not start[\s\S]*no such table/);
  });

  test('is tried again at the start if it may', async () => {
    const script = `const fs = require("fs"); if (!fs.existsSync("tried")) { fs.writeFileSync("tried", ""); process.exit(1) } ${LASTING}`;
    const { process: sample } = make(script, { startRetries: 1 });
    await sample.start();
    expect(sample.phase).toBe('running');
    expect(sample.restarts).toBe(0);
  });

  test('says so when its program does not exist', async () => {
    const { process: sample } = make('', { command: join(folder, 'missing') });
    await expect(sample.start()).rejects.toThrow('ENOENT');
  });

  test('fails when it is not ready in time', async () => {
    const { process: sample } = make('setInterval(() => {}, 1000)', { readyTimeoutMs: 300 });
    await expect(sample.start()).rejects.toThrow('was not ready within 0.3 s');
  });
});
