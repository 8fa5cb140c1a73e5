import { endProcess, isAlive, type ProcessIdentity } from './process-identity.js';
import { type ProcessState, readState } from './state-file.js';

function living(processes: readonly ProcessState[]) {
  return processes.filter(
    (each): each is ProcessState & { identity: ProcessIdentity } =>
      each.identity !== undefined && isAlive(each.identity),
  );
}

/**
 * Ends what a launcher that was killed has left running, named by pid and start time, so that a
 * stranger with a reused pid is never touched. Returns the names of what was ended.
 */
export async function endLeftovers(statePath: string, graceMs = 8_000): Promise<string[]> {
  const state = readState(statePath);
  if (!state) return [];
  const left = living(state.processes);
  // Services first: they would only log that their servers have gone.
  const servers = new Set(['postgres', 'kafka', 'chain']);
  const end = (each: (typeof left)[number]) =>
    endProcess(each.identity, each.stopSignal, graceMs / 2);
  await Promise.all(left.filter((each) => !servers.has(each.name)).map(end));
  await Promise.all(left.filter((each) => servers.has(each.name)).map(end));
  return left.map((each) => each.name);
}
