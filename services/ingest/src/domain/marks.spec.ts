import { describe, expect, it } from 'vitest';
import { Marks } from './marks.js';

const NOW_MS = 1_000_000;

describe('Marks', () => {
  it('are ready when every partition has a fresh one, and name the one that has not', () => {
    const marks = new Marks(2);
    expect(() => marks.assertFresh(NOW_MS)).toThrow('partition 0 of the channels topic has none');
    expect([marks.ageMs(NOW_MS), marks.has(0)]).toEqual([undefined, false]);
    marks.take(0, NOW_MS);
    marks.take(1, NOW_MS - 2_000);
    marks.take(1, NOW_MS - 5_000);
    expect([marks.ageMs(NOW_MS), marks.has(0)]).toEqual([2_000, true]);
    expect(() => marks.assertFresh(NOW_MS)).not.toThrow();
    expect(() => marks.assertFresh(NOW_MS + 1)).toThrow(
      'partition 1 of the channels topic is 2001 ms',
    );
  });

  it('are not fresh before the first one, after the last one, or far ahead of our clock', () => {
    const marks = new Marks(1);
    expect([marks.isFresh(0, NOW_MS), marks.isFresh(7, NOW_MS)]).toEqual([false, false]);
    marks.take(0, NOW_MS);
    const fresh = [-1_001, -1_000, 0, 2_000, 2_001].map((ms) => marks.isFresh(0, NOW_MS + ms));
    expect(fresh).toEqual([false, true, true, true, false]);
    marks.clear(0);
    expect([marks.isFresh(0, NOW_MS), marks.has(0)]).toEqual([false, false]);
  });

  it('of partitions that do not exist change nothing', () => {
    const marks = new Marks(1);
    marks.take(4, NOW_MS);
    expect([marks.has(4), marks.ageMs(NOW_MS)]).toEqual([false, undefined]);
  });
});
