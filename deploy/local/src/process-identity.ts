import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process named so that a later process with a reused pid is never taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque start stamp of the system: clock ticks since boot on Linux, a date elsewhere. */
  readonly startTime: string;
}

/** The start stamp out of the text of `/proc/<pid>/stat`; undefined for a zombie, which is dead to us. */
export function parseProcStat(text: string): string | undefined {
  // The command name may hold spaces and brackets, so fields are counted after the last bracket.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** The start stamp of a running process, or undefined when there is none with this pid. */
export function startTimeOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    }
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
    return text.trim() || undefined;
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startTimeOf(identity.pid) === identity.startTime;
}

/** Sends a signal to exactly this process; false when it is gone. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch {
    return false;
  }
}

export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false;
    await sleep(25);
  }
  return true;
}

/** Asks a process to end, and kills it when it has not within `graceMs`. Resolves once it is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  stopSignal: NodeJS.Signals,
  graceMs: number,
): Promise<'gone' | 'ended' | 'killed'> {
  if (!signal(identity, stopSignal)) return 'gone';
  if (await waitForEnd(identity, graceMs)) return 'ended';
  signal(identity, 'SIGKILL');
  await waitForEnd(identity, 2_000);
  return 'killed';
}
