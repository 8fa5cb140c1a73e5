// Ends a stack's processes when the process that started them dies, however it dies. Its standard
// input is a pipe held by that process: the system closes it even after SIGKILL. It imports
// nothing of ours, so that it runs from the sources as well as compiled.
import { readFileSync, rmSync } from 'node:fs';

interface Recorded {
  readonly name: string;
  readonly identity?: { readonly pid: number; readonly startTime: string };
}

function startTimeOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

interface State {
  readonly startedAtMs: number;
  readonly processes: readonly Recorded[];
}

function readState(statePath: string): State | undefined {
  try {
    return JSON.parse(readFileSync(statePath, 'utf8'));
  } catch {
    return undefined;
  }
}

function endAll(processes: readonly Recorded[]): void {
  for (const { identity } of processes) {
    if (!identity) continue;
    if (process.platform === 'linux' && startTimeOf(identity.pid) !== identity.startTime) continue;
    try {
      process.kill(identity.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

const [statePath = '', startedAt = '', removeFolder = ''] = process.argv.slice(2);
// Signals meant for the group of the tests must not end the guard before its work.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
process.stdin.resume();
process.stdin.on('error', () => undefined);
process.stdin.on('close', () => {
  const state = readState(statePath);
  // The folder may have been started anew meanwhile; that stack has a guard of its own.
  if (state && state.startedAtMs !== Number(startedAt)) process.exit(0);
  endAll(state?.processes ?? []);
  // Processes that were just killed may still be writing for a moment.
  if (removeFolder) rmSync(removeFolder, { recursive: true, force: true, maxRetries: 20 });
  process.exit(0);
});
