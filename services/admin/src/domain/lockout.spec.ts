import { describe, expect, test } from 'vitest';
import {
  type Attempts,
  afterFailure,
  FAILURE_WINDOW_MS,
  FAILURES_MAX,
  isLocked,
  LOCK_MS,
  NO_ATTEMPTS,
} from './lockout.js';

const START = 1_000_000n;

/** The state after so many failures, a second apart. */
function failed(times: number): Attempts {
  let attempts = NO_ATTEMPTS;
  for (let n = 0; n < times; n++) attempts = afterFailure(attempts, START + BigInt(n) * 1_000n);
  return attempts;
}

describe('the lock-out', () => {
  test('begins with the tenth failure and not before', () => {
    const now = START + 9_000n;
    expect(isLocked(failed(FAILURES_MAX - 1), now)).toBe(false);
    expect(isLocked(failed(FAILURES_MAX), now)).toBe(true);
  });

  test('ends after its time, and the count begins anew', () => {
    const locked = failed(FAILURES_MAX);
    expect(isLocked(locked, locked.lockedUntilMs - 1n)).toBe(true);
    expect(isLocked(locked, locked.lockedUntilMs)).toBe(false);
    expect(afterFailure(locked, locked.lockedUntilMs)).toEqual({
      failures: 1,
      firstFailureAtMs: locked.lockedUntilMs,
      lockedUntilMs: 0n,
    });
    expect(locked.lockedUntilMs).toBe(START + 9_000n + LOCK_MS);
  });

  test('forgives failures that are older than the window', () => {
    const attempts = failed(FAILURES_MAX - 1);
    const later = attempts.firstFailureAtMs + FAILURE_WINDOW_MS;
    expect(afterFailure(attempts, later - 1n).failures).toBe(FAILURES_MAX);
    expect(afterFailure(attempts, later).failures).toBe(1);
  });
});
