import { FAULT_KINDS } from './chain/faults.js';

export interface DevchainOptions {
  /** 0 picks a free port. */
  readonly port: number;
  /** Further nodes of the same chain, each with faults of its own. */
  readonly morePorts: readonly number[];
  readonly host: string;
  /** Undefined keeps the chain in memory only. */
  readonly dataDir: string | undefined;
  readonly blockIntervalMs: number;
  readonly solidLagBlocks: number;
  /** Part of the genesis block, so chains of different names refuse each other's transactions. */
  readonly network: string;
  /** False: blocks are sealed only when asked for (`mine`). */
  readonly producing: boolean;
  readonly now: () => number;
  /** Transactions waiting for a block; more are refused with SERVER_BUSY. */
  readonly pendingMax: number;
}

export const DEFAULT_OPTIONS: DevchainOptions = {
  port: 0,
  morePorts: [],
  host: '127.0.0.1',
  dataDir: undefined,
  blockIntervalMs: 300,
  solidLagBlocks: 3,
  network: 'local',
  producing: true,
  now: Date.now,
  pendingMax: 5_000,
};

export const USAGE = `Local TRON development chain.

usage: main.js [--help] [--port N] [--more-ports N,N] [--data-dir PATH] [--block-interval-ms N] [--solid-lag-blocks N]

Each flag may be given as an environment variable instead:
  PORT               port of the HTTP API (default 9090)
  MORE_PORTS         ports of further nodes of the same chain, comma-separated (default none)
  LISTEN_HOST        address to listen on (default 127.0.0.1)
  DATA_DIR           folder of the chain; without it the chain is forgotten at exit
  BLOCK_INTERVAL_MS  time between blocks (default 300)
  SOLID_LAG_BLOCKS   blocks until a block is solidified (default 3)
  CHAIN_NETWORK      name in the genesis block (default local)

Misbehaviour, on this chain only: POST /dev/faults {"kind": "drop", "count": 2}, {} to list, {"kind": "none"} to disarm;
POST /dev/fork, /dev/mine, /dev/producer, /dev/permissions. Kinds of faults:
  ${FAULT_KINDS.join(' ')}
See the README of libs/devchain for what each does.
`;

const flags: Readonly<Record<string, string>> = {
  '--port': 'PORT',
  '--more-ports': 'MORE_PORTS',
  '--listen-host': 'LISTEN_HOST',
  '--data-dir': 'DATA_DIR',
  '--block-interval-ms': 'BLOCK_INTERVAL_MS',
  '--solid-lag-blocks': 'SOLID_LAG_BLOCKS',
  '--network': 'CHAIN_NETWORK',
};

/** A flag or variable that cannot be used. */
export class OptionsError extends Error {}

/** Reads options from flags and environment. @throws OptionsError naming everything that is wrong */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DevchainOptions {
  const given: Record<string, string | undefined> = { ...env };
  const problems: string[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const name = flags[args[at] ?? ''];
    const value = args[at + 1];
    if (name === undefined) problems.push(`unknown flag ${args[at]}`);
    else if (value === undefined) problems.push(`${args[at]} needs a value`);
    else given[name] = value;
  }
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const text = given[name];
    if (text === undefined || text === '') return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push(`${name} must be an integer from ${min} to ${max}, not "${text}"`);
    return fallback;
  };
  const portOf = (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0 || value > 65_535) {
      problems.push(`MORE_PORTS must be ports, not "${text}"`);
    }
    return value;
  };
  const options: DevchainOptions = {
    ...DEFAULT_OPTIONS,
    port: integer('PORT', 9090, 0, 65_535),
    morePorts: (given.MORE_PORTS ?? '').split(',').filter(Boolean).map(portOf),
    host: given.LISTEN_HOST || DEFAULT_OPTIONS.host,
    dataDir: given.DATA_DIR || undefined,
    blockIntervalMs: integer('BLOCK_INTERVAL_MS', DEFAULT_OPTIONS.blockIntervalMs, 10, 60_000),
    solidLagBlocks: integer('SOLID_LAG_BLOCKS', DEFAULT_OPTIONS.solidLagBlocks, 0, 1_000),
    network: given.CHAIN_NETWORK || DEFAULT_OPTIONS.network,
  };
  if (problems.length > 0) throw new OptionsError(problems.join('\n'));
  return options;
}
