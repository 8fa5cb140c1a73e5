export const BACKOFF_FIRST_MS = 200;
export const BACKOFF_LAST_MS = 5_000;
/** A process that dies this often within the window will not get better by itself. */
export const DEATHS_MAX = 10;
export const DEATHS_WINDOW_MS = 60_000;

/** What to do after a death: wait so long and start again, or give up. */
export type RestartDecision = { readonly restartAfterMs: number } | 'give-up';

/**
 * Decides on the times of all deaths so far, the last one included (ms, ascending). The wait
 * doubles with each death of the last minute, so a single kill is answered at once.
 */
export function decideRestart(deathsAtMs: readonly number[], nowMs: number): RestartDecision {
  const recent = deathsAtMs.filter((at) => nowMs - at < DEATHS_WINDOW_MS).length;
  if (recent >= DEATHS_MAX) return 'give-up';
  const doubled = BACKOFF_FIRST_MS * 2 ** Math.max(0, recent - 1);
  return { restartAfterMs: Math.min(BACKOFF_LAST_MS, doubled) };
}
