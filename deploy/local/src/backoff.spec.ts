import { describe, expect, test } from 'vitest';
import { decideRestart } from './backoff.js';

describe('restarting a process that died', () => {
  const deaths = (count: number) => Array.from({ length: count }, (_, at) => at * 100);

  test.each([
    [1, 200],
    [2, 400],
    [3, 800],
    [5, 3_200],
    [6, 5_000],
    [9, 5_000],
  ])('after %i deaths within a minute waits %i ms', (count, restartAfterMs) => {
    expect(decideRestart(deaths(count), 1_000)).toEqual({ restartAfterMs });
  });

  test('gives up at the tenth death within a minute', () => {
    expect(decideRestart(deaths(10), 1_000)).toBe('give-up');
  });

  test('forgets deaths older than a minute', () => {
    expect(decideRestart([...deaths(9), 70_000], 70_000)).toEqual({ restartAfterMs: 200 });
  });
});
