import { secretFile } from '#libs/config';
import { isAlive } from '../../local/src/process-identity.js';
import { readState, type StackState } from '../../local/src/state-file.js';
import { OperatorClient } from './operator.client.js';
import { type Remote, type SettleOptions, UsageError } from './options.js';

/** The settlement that is to be asked. Throws a UsageError when there is no token, or no stack runs. */
export function connect({ remote, statePath }: SettleOptions): OperatorClient {
  return remote === undefined
    ? OperatorClient.of(runningStack(statePath))
    : new OperatorClient(remote.address, tokenOf(remote));
}

function tokenOf({ tokenFile }: Remote): string {
  const token = secretFile().safeParse(tokenFile);
  if (token.success) return token.data;
  throw new UsageError(`token file ${tokenFile}: ${token.error.issues[0]?.message}`);
}

function runningStack(path: string): StackState {
  const state = readState(path);
  if (state === undefined || state.phase !== 'ready' || !isAlive(state.launcher)) {
    throw new UsageError(
      `no stack runs by ${path}: npm start first, name a settlement with --address, or rehearse with npm run settle -- --payouts 1000`,
    );
  }
  return state;
}
