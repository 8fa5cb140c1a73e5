import { describe, expect, it } from 'vitest';
import { randomOf } from '../../../load-tests/src/bench/corpus/draws.js';
import { Histogram } from '../../../load-tests/src/bench/generator/histogram.js';

describe('Histogram', () => {
  it('gives percentiles that are never better than the truth and at most 1 % worse', () => {
    const random = randomOf(5);
    const values = Array.from({ length: 20_000 }, () => Math.exp(random() * 14) / 1_000);
    const histogram = new Histogram();
    for (const value of values) histogram.add(value);
    values.sort((a, b) => a - b);
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = values[Math.ceil(share * values.length) - 1] ?? 0;
      expect(histogram.at(share)).toBeGreaterThanOrEqual(exact - 0.0006);
      expect(histogram.at(share)).toBeLessThanOrEqual(exact * 1.01 + 0.001);
    }
  });

  it('survives the way to another process, weights, and values beyond its range', () => {
    const histogram = new Histogram();
    histogram.add(-3);
    histogram.add(5, 98);
    histogram.add(1e9);
    const copy = new Histogram(histogram.counts.slice());
    expect(copy.count).toBe(100);
    expect(copy.at(0.01)).toBe(0);
    expect(copy.at(0.99)).toBeCloseTo(5, 1);
    expect(copy.at(1)).toBeGreaterThan(2_000_000);
    expect(new Histogram().at(0.99)).toBe(0);
  });
});
