import { describe, expect, it } from 'vitest';
import { Differences } from './differences.js';
import { inParallel, until } from './patience.js';

describe('until', () => {
  it('returns the first answer that satisfies', async () => {
    let asked = 0;
    const answer = await until(
      'three',
      async () => ++asked,
      (n) => n === 3,
      { timeoutMs: 500, everyMs: 1 },
    );
    expect(answer).toBe(3);
  });

  it('says what did not come', async () => {
    const never = until(
      'rain',
      async () => 0,
      () => false,
      { timeoutMs: 10, everyMs: 1 },
    );
    await expect(never).rejects.toThrow('rain: not within');
  });
});

describe('inParallel', () => {
  it('does everything, at most so many at a time', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 2));
      running -= 1;
      done.push(item);
    });
    expect(done.sort()).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });
});

describe('Differences', () => {
  it('names every figure that is wrong', () => {
    const differences = new Differences();
    differences.equal('fees', 5n, 5n);
    differences.equal('fees', 5n, 6n);
    differences.holds('sums agree', true);
    differences.holds('sums agree', false, '3 and 4');
    differences.holds('all are there', false);
    expect(differences.lines).toEqual([
      'fees is 5, expected 6',
      'sums agree: 3 and 4',
      'all are there',
    ]);
    expect(differences.checked).toBe(5);
  });
});
