import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, type Env, parseEnv, postgresShape, signingShape } from '#libs/config';
import { connectChain, type NodeOptions, nodesOf, nodesShape, type QuorumChain } from '#libs/tron';
import type { Place } from './audit.js';
import { UsageError } from './options.js';

/** Where database and chain are. */
export type Sources = {
  readonly databaseUrl: string | undefined;
  readonly nodes: readonly NodeOptions[];
  /** How far the newest blocks of two nodes may be apart. */
  readonly lagMaxMs: bigint;
  readonly place: Place;
};

/** Where the state of a stack has what the environment does not say. */
const IN_STATE: Readonly<Record<string, readonly [part: string, name: string]>> = {
  DATABASE_URL: ['endpoints', 'databaseUrl'],
  TRON_NODE_URL: ['endpoints', 'tronNodeUrl'],
  CHAIN_ID: ['network', 'chainId'],
  VAULT_ADDRESS: ['network', 'vaultAddress'],
  TRC10_ID: ['network', 'trc10Id'],
};
const SHAPE = {
  ...nodesShape,
  ...signingShape,
  DATABASE_URL: postgresShape.DATABASE_URL.optional(),
};

/** From the environment, and what it does not say from the state of the stack. Throws a UsageError. */
export function sourcesOf(env: Env, dataDir: string): Sources {
  const known = withState(env, dataDir);
  for (const name of ['TRON_NODE_URL', 'CHAIN_ID', 'VAULT_ADDRESS']) {
    const isSet = known[name] || (name === 'TRON_NODE_URL' && known.TRON_NODE_URLS);
    if (!isSet) throw new UsageError(`verify needs ${name}, or a stack started by npm start`);
  }
  try {
    const values = parseEnv(SHAPE, known);
    return {
      databaseUrl: values.DATABASE_URL,
      nodes: nodesOf(values),
      lagMaxMs: BigInt(values.TRON_LAG_MAX_MS),
      place: {
        chainId: values.CHAIN_ID,
        vault: values.VAULT_ADDRESS,
        trc10Id: known.TRC10_ID ?? '',
      },
    };
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    throw error;
  }
}

/** The nodes as settlement asks them: of several, two must agree. Throws a UsageError. */
export function chainOf({ nodes, lagMaxMs }: Sources): QuorumChain {
  try {
    return connectChain(nodes, { lagMaxMs });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

function withState(env: Env, dataDir: string): Env {
  const state = readState(join(dataDir, 'state.json'));
  const known: Record<string, string | undefined> = { ...env };
  for (const [name, [part, key]] of Object.entries(IN_STATE)) {
    // Nodes that are named replace the one of the stack.
    if (known[name] || (name === 'TRON_NODE_URL' && known.TRON_NODE_URLS)) continue;
    const value = state[part]?.[key];
    if (value !== undefined) known[name] = String(value);
  }
  return known;
}

function readState(path: string): Readonly<Record<string, Record<string, unknown>>> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
