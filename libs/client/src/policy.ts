/** Time limits of every call. All in milliseconds. */
export type CallPolicy = {
  /** Longest wait for one attempt. */
  readonly deadlineMs: number;
  /** Longest time for all attempts together. */
  readonly retryForMs: number;
  /** Pause before the second attempt; doubles with each further one. */
  readonly backoffMinMs: number;
  /** Longest pause between two attempts. */
  readonly backoffMaxMs: number;
};

/** What is used where nothing else is said. */
export const DEFAULT_POLICY: CallPolicy = {
  deadlineMs: 10_000,
  retryForMs: 30_000,
  backoffMinMs: 50,
  backoffMaxMs: 2_000,
};

/**
 * Pause before attempt `attempt` (1 is the first repeat): exponential, and drawn evenly from its
 * upper half by `chance` (0 to 1), so that many clients do not come back at the same instant.
 */
export function backoffMs(policy: CallPolicy, attempt: number, chance: number): number {
  const ceiling = Math.min(
    policy.backoffMaxMs,
    policy.backoffMinMs * 2 ** Math.min(attempt - 1, 20),
  );
  return Math.ceil(ceiling / 2 + (ceiling / 2) * chance);
}

/** Resolves after a pause. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
