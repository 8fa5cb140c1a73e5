import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats an assertion until it holds and returns its value; after `timeoutMs` its last error is
 * thrown. For effects of other processes: between ours, await the promise instead.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 30_000, intervalMs = 50 } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await sleep(intervalMs);
    }
  }
}
