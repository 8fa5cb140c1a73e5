import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../deploy/local/src/process-identity.js';
import { repositoryRoot } from '../../deploy/local/src/root.js';
import { startStack } from '../../deploy/local/src/stack.js';
import { readState, type StackState } from '../../deploy/local/src/state-file.js';

/** What the load needs to know of a running stack. */
export type StackAddresses = {
  readonly ingestGrpc: string;
  readonly balanceGrpc: string;
  readonly settlementGrpc: string;
  readonly tronNodeUrl: string;
};

/** The addresses in a stack's state; throws one sentence that names what is missing. */
export function addressesOf(state: StackState): StackAddresses {
  const { ingestGrpc, balanceGrpc, settlementGrpc, tronNodeUrl } = state.endpoints;
  const missing = Object.entries({ ingestGrpc, balanceGrpc, settlementGrpc, tronNodeUrl })
    .filter(([, value]) => value === undefined)
    .map(([name]) => name);
  if (!ingestGrpc || !balanceGrpc || !settlementGrpc || !tronNodeUrl) {
    throw new Error(`the state of the stack in ${state.dataDir} lacks ${missing.join(', ')}`);
  }
  return { ingestGrpc, balanceGrpc, settlementGrpc, tronNodeUrl };
}

/** Runs work against the stack that runs already, or against one that is started for it and stopped at the end. */
export async function withStack<T>(
  stateFile: string | undefined,
  say: (text: string) => void,
  work: (stack: StackAddresses) => Promise<T>,
): Promise<T> {
  const path = stateFile ?? join(repositoryRoot, '.data', 'state.json');
  const state = readState(path);
  if (state !== undefined && state.phase === 'ready' && isAlive(state.launcher))
    return await work(addressesOf(state));
  if (stateFile !== undefined) throw new Error(`${path} does not describe a running stack`);
  say('no stack is running: starting one for this run');
  const dataDir = mkdtempSync(join(tmpdir(), 'swarmledger-load-'));
  const stack = await startStack({ dataDir, guard: true, temporary: true });
  try {
    return await work(addressesOf(stack.state));
  } finally {
    await stack.stop();
  }
}
