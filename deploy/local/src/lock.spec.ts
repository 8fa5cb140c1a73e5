import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireLock, LockedError, lockHolder } from './lock.js';
import { identify } from './process-identity.js';

describe('the lock of a data folder', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    path = join(folder, 'lock.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('names its holder and is gone once released', () => {
    const lock = acquireLock(path);
    expect(lockHolder(path)).toEqual(identify(process.pid));
    lock.release();
    expect(lockHolder(path)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is refused while its holder lives', () => {
    const lock = acquireLock(path);
    expect(() => acquireLock(path)).toThrow(LockedError);
    lock.release();
    acquireLock(path).release();
  });

  test.each([
    ['of a dead process', JSON.stringify({ pid: 2 ** 22 + 1, startTime: '1' })],
    ['whose pid has a new owner', JSON.stringify({ pid: process.pid, startTime: '1' })],
    ['that is damaged', '{"pid": 1'],
  ])('is taken over from a file %s', (_, text) => {
    writeFileSync(path, text);
    const lock = acquireLock(path);
    expect(lockHolder(path)?.pid).toBe(process.pid);
    lock.release();
  });

  test('does not release what another process has taken meanwhile', () => {
    const lock = acquireLock(path);
    writeFileSync(path, JSON.stringify({ pid: 1, startTime: '0' }));
    lock.release();
    expect(readdirSync(folder)).toEqual(['lock.json']);
  });
});
