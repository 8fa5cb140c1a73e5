/** Failed logins of one client address. */
export type Attempts = {
  readonly failures: number;
  readonly firstFailureAtMs: bigint;
  /** 0 when the address is not locked. */
  readonly lockedUntilMs: bigint;
};

/** Failures after which an address is locked. */
export const FAILURES_MAX = 10;

/** Failures older than this are forgiven. */
export const FAILURE_WINDOW_MS = 15n * 60_000n;

/** How long a lock lasts. */
export const LOCK_MS = 15n * 60_000n;

/** An address that never failed. */
export const NO_ATTEMPTS: Attempts = { failures: 0, firstFailureAtMs: 0n, lockedUntilMs: 0n };

/** True while logins from the address are refused unseen, right token or not. */
export function isLocked(attempts: Attempts, nowMs: bigint): boolean {
  return nowMs < attempts.lockedUntilMs;
}

/** The state after one more failure. A lock that ran out, or an old window, starts a new count. */
export function afterFailure(attempts: Attempts, nowMs: bigint): Attempts {
  const stale =
    attempts.failures === 0 ||
    nowMs - attempts.firstFailureAtMs >= FAILURE_WINDOW_MS ||
    (attempts.lockedUntilMs > 0n && !isLocked(attempts, nowMs));
  const failures = stale ? 1 : attempts.failures + 1;
  return {
    failures,
    firstFailureAtMs: stale ? nowMs : attempts.firstFailureAtMs,
    lockedUntilMs: failures >= FAILURES_MAX ? nowMs + LOCK_MS : 0n,
  };
}
