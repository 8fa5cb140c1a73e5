import { describe, expect, it } from 'vitest';
import { Marks } from './marks.js';

const NOW_MS = 1_000_000;

describe('Marks', () => {
  it('are ready when every partition has a fresh one, and name the one that has not', () => {
    const marks = new Marks(2);
    expect(() => marks.assertFresh(NOW_MS)).toThrow('partition 0 of the channels topic has none');
    expect([marks.ageMs(NOW_MS), marks.has(0)]).toEqual([undefined, false]);
    marks.take(0, NOW_MS, NOW_MS);
    marks.take(1, NOW_MS - 2_000, NOW_MS);
    marks.take(1, NOW_MS - 5_000, NOW_MS);
    expect([marks.ageMs(NOW_MS), marks.has(0)]).toEqual([2_000, true]);
    expect(() => marks.assertFresh(NOW_MS)).not.toThrow();
    expect(() => marks.assertFresh(NOW_MS + 1)).toThrow(
      'partition 1 of the channels topic is 2001 ms',
    );
  });

  it('are not fresh before the first one, after the last one, or far ahead of our clock', () => {
    const marks = new Marks(1);
    expect([marks.isFresh(0, NOW_MS), marks.isFresh(7, NOW_MS)]).toEqual([false, false]);
    marks.take(0, NOW_MS, NOW_MS);
    const fresh = [-1_001, -1_000, 0, 2_000, 2_001].map((ms) => marks.isFresh(0, NOW_MS + ms));
    expect(fresh).toEqual([false, true, true, true, false]);
    marks.clear(0);
    expect([marks.isFresh(0, NOW_MS), marks.has(0)]).toEqual([false, false]);
  });

  it('of partitions that do not exist change nothing', () => {
    const marks = new Marks(1);
    marks.take(4, NOW_MS, NOW_MS);
    expect([marks.has(4), marks.ageMs(NOW_MS)]).toEqual([false, undefined]);
  });

  it('are as old as they were when they came, however far our clock is behind', () => {
    const marks = new Marks(1);
    const balanceMs = (nowMs: number) => nowMs + 6_000;
    marks.take(0, balanceMs(NOW_MS), NOW_MS);
    for (let elapsedMs = 0; elapsedMs <= 10_000; elapsedMs += 250) {
      expect(marks.isFresh(0, NOW_MS + elapsedMs)).toBe(false);
    }
    expect(() => marks.assertFresh(NOW_MS)).toThrow('our clock is 6000 ms behind');
    const little = new Marks(1);
    little.take(0, NOW_MS + 900, NOW_MS);
    const fresh = [0, 2_000, 2_001].map((ms) => little.isFresh(0, NOW_MS + ms));
    expect(fresh).toEqual([true, true, false]);
  });

  it('that come late, be it many at once, do not hide how far our clock is behind', () => {
    const marks = new Marks(1);
    marks.take(0, NOW_MS + 6_000, NOW_MS);
    const backMs = NOW_MS + 120_000;
    for (let lateMs = 120_000; lateMs >= 6_000; lateMs -= 250) {
      marks.take(0, backMs + 6_000 - lateMs, backMs);
      expect(marks.isFresh(0, backMs)).toBe(false);
    }
  });

  it('are taken as they are within a minute after our clock was put right', () => {
    const marks = new Marks(1);
    marks.take(0, NOW_MS + 6_000, NOW_MS);
    const rightMs = NOW_MS + 6_000;
    const freshAfter = (elapsedMs: number) => {
      marks.take(0, rightMs + elapsedMs, rightMs + elapsedMs);
      return marks.isFresh(0, rightMs + elapsedMs);
    };
    const seconds = Array.from({ length: 62 }, (_, second) => freshAfter(second * 1_000));
    expect([seconds[0], seconds[20], seconds.at(-1)]).toEqual([false, false, true]);
  });
});
