import { getPriority, setPriority } from 'node:os';

const NICE = 4;
const NICE_MAX = 19;

/** The scheduler, for the calling thread. */
export type Scheduler = {
  readonly getPriority: () => number;
  readonly setPriority: (nice: number) => void;
};

/**
 * Lets the process's other threads go first, on Linux; elsewhere it would be the whole process that steps back.
 * Always a step down from where the thread stands, since a step up is a privilege: a process that was started
 * with `nice` is lower than any fixed value. Where a sandbox forbids it all threads stay equal, which is slower
 * and no reason not to work.
 */
export function stepBack(
  platform: NodeJS.Platform = process.platform,
  scheduler: Scheduler = { getPriority, setPriority },
): void {
  if (platform !== 'linux') return;
  try {
    scheduler.setPriority(Math.min(scheduler.getPriority() + NICE, NICE_MAX));
  } catch {
    // Forbidden; see above.
  }
}
