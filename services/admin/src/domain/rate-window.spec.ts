import { describe, expect, test } from 'vitest';
import { RateWindow } from './rate-window.js';

const START = 5_000_000;

describe('the rate', () => {
  test('counts by second and leaves out the second that is still running', () => {
    const window = new RateWindow(4, START);
    window.add(10, START + 1_000);
    window.add(5, START + 1_999);
    window.add(7, START + 2_000);
    expect(window.series(START + 2_500)).toEqual([0, 0, 15]);
    expect(window.series(START + 3_000)).toEqual([0, 15, 7]);
  });

  test('forgets what is older than the window, also after a long silence', () => {
    const window = new RateWindow(4, START);
    window.add(10, START);
    expect(window.series(START + 3_000)).toEqual([10, 0, 0]);
    expect(window.series(START + 4_000)).toEqual([0, 0, 0]);
    window.add(3, START + 3_600_000);
    expect(window.series(START + 3_601_000)).toEqual([0, 0, 3]);
  });

  test('is a mean over the newest whole seconds', () => {
    const window = new RateWindow(10, START);
    for (let second = 0; second < 5; second++) window.add(second, START + second * 1_000);
    expect(window.mean(START + 5_000, 5)).toBe(2);
    expect(window.mean(START + 5_000, 2)).toBe(3.5);
  });

  test('puts what is heard of late where it belongs', () => {
    const window = new RateWindow(4, START);
    window.addLate(5, START, START + 3_000);
    window.addLate(6, START - 1_000, START + 3_000);
    window.addLate(7, START + 9_000, START + 3_000);
    expect(window.series(START + 3_000)).toEqual([5, 0, 0]);
    expect(window.series(START + 4_000)).toEqual([0, 0, 7]);
  });

  test('takes a count when the clock went back', () => {
    const window = new RateWindow(4, START);
    window.add(1, START + 2_000);
    window.add(1, START);
    expect(window.series(START + 3_000)).toEqual([0, 0, 2]);
  });
});
