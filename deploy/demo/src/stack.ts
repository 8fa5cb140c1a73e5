import { readFileSync } from 'node:fs';
import { UsageError } from './options.js';

/** Where the running stack answers: gRPC addresses are host:port, the chain is a URL. */
export type StackAddresses = {
  readonly ingest: string;
  readonly balance: string;
  readonly auction: string;
  readonly settlement: string;
  readonly tronNodeUrl: string;
  readonly trc20Address: string;
};

/** Reads what the launcher wrote; throws a UsageError that names what is missing. */
export function readStack(path: string): StackAddresses {
  let state: unknown;
  try {
    state = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`cannot read the state of the stack: ${String(error)}`);
  }
  return stackOf(state);
}

/** The addresses in a state; throws a UsageError that names what is missing. */
export function stackOf(state: unknown): StackAddresses {
  const text = (path: readonly [string, string]) => {
    const outer = member(state, path[0]);
    const value = member(outer, path[1]);
    if (typeof value === 'string' && value !== '') return value;
    throw new UsageError(`the state has no ${path.join('.')}: is the stack ready?`);
  };
  return {
    ingest: text(['endpoints', 'ingestGrpc']),
    balance: text(['endpoints', 'balanceGrpc']),
    auction: text(['endpoints', 'auctionGrpc']),
    settlement: text(['endpoints', 'settlementGrpc']),
    tronNodeUrl: text(['endpoints', 'tronNodeUrl']),
    trc20Address: text(['network', 'trc20Address']),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
