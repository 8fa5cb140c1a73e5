import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readJson } from './atomic-file.js';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

export interface HeldLock {
  release(): void;
}

/** Thrown when a living process holds the lock. */
export class LockedError extends Error {
  constructor(readonly holder: ProcessIdentity) {
    super(`held by process ${holder.pid}`);
  }
}

function parseHolder(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTime } = value as Record<string, unknown>;
  return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
}

/** The living holder of a lock file, if any. */
export function lockHolder(path: string): ProcessIdentity | undefined {
  const holder = parseHolder(readJson(path));
  return holder && isAlive(holder) ? holder : undefined;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Takes the lock file for this process. The file appears complete (link of a written file), names
 * pid and start time, and a lock left by a dead process is taken over.
 * Throws LockedError naming the living holder.
 */
export function acquireLock(path: string): HeldLock {
  const self = identify(process.pid);
  if (!self) throw new Error('cannot read the start time of this process');
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(self), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      if (tryLink(mine, path)) return { release: () => releaseLock(path, self) };
      const holder = lockHolder(path);
      if (holder) throw new LockedError(holder);
      setAsideStale(path);
    }
    throw new Error(`could not take the lock ${path}`);
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Moves a dead holder's file away; if another start was quicker and it is a living one, puts it back. */
function setAsideStale(path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (lockHolder(aside)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function releaseLock(path: string, self: ProcessIdentity): void {
  const holder = parseHolder(readJson(path));
  if (holder?.pid === self.pid && holder.startTime === self.startTime)
    rmSync(path, { force: true });
}
