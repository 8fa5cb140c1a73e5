import { describe, expect, it } from 'vitest';
import { Lock } from './lock.js';

describe('lock', () => {
  it('runs one task at a time, urgent ones first', async () => {
    const lock = new Lock();
    const seen: string[] = [];
    const task = (name: string) => async () => {
      seen.push(`${name} starts`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      return name;
    };
    const all = [lock.run(task('a')), lock.run(task('b')), lock.run(task('c'), true)];
    expect(lock.queued).toBe(3);
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(seen.filter((line) => line.endsWith('starts')).map((line) => line[0])).toEqual([
      'a',
      'c',
      'b',
    ]);
    expect(seen[1]).toBe('a ends');
    expect(lock.queued).toBe(0);
  });

  it('goes on after a failure', async () => {
    const lock = new Lock();
    await expect(
      lock.run(() => {
        throw new Error('broken');
      }),
    ).rejects.toThrow('broken');
    expect(await lock.run(() => 5)).toBe(5);
  });
});
