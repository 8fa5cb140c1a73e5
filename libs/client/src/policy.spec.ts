import { describe, expect, it } from 'vitest';
import { backoffMs, DEFAULT_POLICY } from './policy.js';

describe('backoffMs', () => {
  it('doubles up to its limit and never falls below half of it', () => {
    const lowest = [1, 2, 3, 10, 100].map((attempt) => backoffMs(DEFAULT_POLICY, attempt, 0));
    const highest = [1, 2, 3, 10, 100].map((attempt) => backoffMs(DEFAULT_POLICY, attempt, 1));
    expect(lowest).toEqual([25, 50, 100, 1000, 1000]);
    expect(highest).toEqual([50, 100, 200, 2000, 2000]);
  });
});
