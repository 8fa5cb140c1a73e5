import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { composeRemove } from './compose.server.js';
import { dataFolder } from './data-folder.js';
import { endLeftovers } from './leftovers.js';
import { lockHolder } from './lock.js';
import { type LauncherOptions, UsageError } from './options.js';
import { endProcess } from './process-identity.js';
import { readState } from './state-file.js';
import { formatTable, stackStatus } from './status.js';

/** The launcher gets ten seconds to stop its processes, and a little to say so. */
const LAUNCHER_GRACE_MS = 13_000;

/** Prints the table. Returns 0 when the stack runs under its launcher, else 3. */
export function statusCommand(options: LauncherOptions): number {
  const folder = dataFolder(options.dataDir);
  const state = readState(folder.state);
  const status = stackStatus(state, folder.lock);
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ ...status, endpoints: state?.endpoints.opsUrls ?? {} })}\n`,
    );
  else if (status.phase === 'none' || status.phase === 'stopped') {
    process.stdout.write(`no stack runs in ${folder.path}\n`);
  } else {
    process.stdout.write(`${status.phase} in ${folder.path}\n\n${formatTable(status.processes)}\n`);
  }
  return status.supervised && status.phase === 'ready' ? 0 : 3;
}

/** Stops what runs in the folder; true when something did. */
async function stopStack(dataDir: string): Promise<boolean> {
  const folder = dataFolder(dataDir);
  const holder = lockHolder(folder.lock);
  if (holder) await endProcess(holder, 'SIGTERM', LAUNCHER_GRACE_MS);
  const left = await endLeftovers(folder.state);
  return holder !== undefined || left.length > 0;
}

export async function downCommand(options: LauncherOptions): Promise<number> {
  const stopped = await stopStack(options.dataDir);
  process.stdout.write(stopped ? 'stopped\n' : `no stack runs in ${options.dataDir}\n`);
  return 0;
}

async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/** Stops and deletes. Asks on a terminal; elsewhere `--yes` is needed. */
export async function resetCommand(options: LauncherOptions): Promise<number> {
  const folder = dataFolder(options.dataDir);
  if (!existsSync(folder.path)) {
    process.stdout.write(`there is no data folder ${folder.path}\n`);
    return 0;
  }
  // A mistyped --data must not delete somebody's documents.
  if (!existsSync(folder.state) && !existsSync(folder.ports)) {
    throw new UsageError(`${folder.path} is not a data folder of Swarmledger; nothing was deleted`);
  }
  if (!options.yes) {
    if (!process.stdin.isTTY) throw new UsageError('reset deletes the ledger: add --yes');
    if (!(await confirm(`Delete everything in ${folder.path}?`))) return 1;
  }
  await stopStack(options.dataDir);
  const project = readState(folder.state)?.composeProject;
  if (project) await composeRemove(project);
  rmSync(folder.path, { recursive: true, force: true, maxRetries: 10 });
  process.stdout.write(`deleted ${folder.path}\n`);
  return 0;
}
