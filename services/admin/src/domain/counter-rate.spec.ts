import { expect, test } from 'vitest';
import { CounterRate } from './counter-rate.js';

const START = 5_000_000;

test('the rate sums what the counters of all processes rose, over the newest seconds', () => {
  const rate = new CounterRate(START);
  expect(rate.perSecond(START)).toBeNull();
  rate.observe('a', 1_000, START);
  rate.observe('b', 50, START);
  expect(rate.perSecond(START)).toBe(0);
  rate.observe('a', 1_400, START + 2_000);
  rate.observe('b', 250, START + 4_000);
  expect(rate.perSecond(START + 6_000)).toBe(100);
  expect(rate.perSecond(START + 20_000)).toBe(0);
});

test('a counter that starts again counts from zero, never backwards', () => {
  const rate = new CounterRate(START);
  rate.observe('a', 1_000, START);
  rate.observe('a', 60, START + 1_000);
  expect(rate.perSecond(START + 6_000)).toBe(10);
});
