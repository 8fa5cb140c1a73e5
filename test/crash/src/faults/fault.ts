import type { CrashCluster, ProcessName } from '../cluster.js';

/** What a fault may use. */
export type FaultTools = {
  readonly cluster: CrashCluster;
  /** A number in [0, 1) that follows from the run's seed. */
  readonly random: () => number;
  /** Up to which offset each partition of the log is applied; undefined while the database cannot tell. */
  readonly applied: () => Promise<readonly bigint[] | undefined>;
};

/**
 * What a fault did. `bit` says that the process died or stopped where it was meant to, on the evidence
 * of the system; else `why` says what happened instead.
 */
export type Bite =
  | { readonly bit: true; readonly atMs: number; readonly isBack: () => boolean }
  | { readonly bit: false; readonly why: string };

/** A whole number from 1 to `max`. */
export function upTo(max: number, random: () => number): number {
  return 1 + Math.floor(random() * max);
}

/** One of some names. */
export function oneOf(names: readonly ProcessName[], random: () => number): ProcessName {
  return names[Math.floor(random() * names.length)] ?? 'balance';
}
