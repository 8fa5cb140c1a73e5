import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './audit.js';
import type { Proof } from './inclusion.js';
import { UsageError } from './options.js';

/** Where database and chain are. */
export type Sources = {
  readonly databaseUrl: string | undefined;
  readonly tronNodeUrl: string;
  readonly place: Place;
};

/** From the environment, and what it does not say from the state of the stack. Throws a UsageError. */
export function sourcesOf(env: NodeJS.ProcessEnv, dataDir: string): Sources {
  const state = readState(join(dataDir, 'state.json'));
  const value = (name: string, ...path: [string, string]) => {
    const told =
      env[name] || (state as Record<string, Record<string, unknown>>)[path[0]]?.[path[1]];
    return told === undefined || told === '' ? undefined : String(told);
  };
  const needed = (name: string, ...path: [string, string]) => {
    const told = value(name, ...path);
    if (told === undefined)
      throw new UsageError(`verify needs ${name}, or a stack started by npm start`);
    return told;
  };
  return {
    databaseUrl: value('DATABASE_URL', 'endpoints', 'databaseUrl'),
    tronNodeUrl: needed('TRON_NODE_URL', 'endpoints', 'tronNodeUrl'),
    place: {
      chainId: BigInt(needed('CHAIN_ID', 'network', 'chainId')),
      vault: needed('VAULT_ADDRESS', 'network', 'vaultAddress'),
      trc10Id: value('TRC10_ID', 'network', 'trc10Id') ?? '',
    },
  };
}

function readState(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

/** A proof that its owner has kept. Throws a UsageError. */
export function readProof(path: string): Proof {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`cannot read the proof: ${String(error)}`);
  }
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const { epoch, leaf, proof } = fields;
  if (!/^[1-9]\d{0,17}$/.test(String(epoch))) throw new UsageError(`${path} has no number "epoch"`);
  const bytes = (name: string, text: unknown) => {
    if (typeof text !== 'string' || !/^(0x)?([0-9a-f]{2})*$/i.test(text)) {
      throw new UsageError(`${path} has no hex "${name}"`);
    }
    return Buffer.from(text.replace(/^0x/, ''), 'hex');
  };
  return {
    epochNo: BigInt(String(epoch)),
    leaf: bytes('leaf', leaf),
    proof: bytes('proof', proof),
  };
}
