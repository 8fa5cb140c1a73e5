import { readJson, writeFileAtomically } from './atomic-file.js';
import type { ProcessIdentity } from './process-identity.js';
import type { SecretFiles } from './secrets.js';

/** What provisioning the chain left behind: the asset that the ledger is backed by. */
export interface Network {
  readonly chainId: number;
  readonly vaultAddress: string;
  readonly trc20Address: string;
  readonly trc10Id: string;
}

export type ProcessPhase = 'starting' | 'running' | 'restarting' | 'failed' | 'stopped';

/** One row of `npm run status`. */
export interface ProcessState {
  readonly name: string;
  /** Undefined for a server that is not a process of ours (Docker Compose, external). */
  readonly identity?: ProcessIdentity;
  readonly phase: ProcessPhase;
  readonly stopSignal: NodeJS.Signals;
  readonly port?: number;
  readonly url?: string;
  readonly startedAtMs: number;
  readonly restarts: number;
  readonly logFile?: string;
  /** Where the server comes from. */
  readonly source: 'local' | 'compose' | 'environment';
}

/** Addresses for tools and tests. gRPC addresses are host:port, the others URLs. */
export interface Endpoints {
  readonly databaseUrl?: string;
  readonly kafkaBrokers?: string;
  readonly tronNodeUrl?: string;
  readonly ingestGrpc?: string;
  readonly balanceGrpc?: string;
  readonly balanceInternalGrpc?: string;
  readonly auctionGrpc?: string;
  readonly settlementGrpc?: string;
  readonly settlementInternalGrpc?: string;
  readonly adminUrl?: string;
  /** Service name → base URL of `/healthz`, `/readyz` and `/metrics`. */
  readonly opsUrls: Readonly<Record<string, string>>;
}

export type StackPhase = 'starting' | 'ready' | 'stopping' | 'stopped';

/** `<data>/state.json`: what runs, and how to reach it. Holds the database password: mode 0600. */
export interface StackState {
  readonly version: 1;
  readonly dataDir: string;
  readonly launcher: ProcessIdentity;
  readonly phase: StackPhase;
  readonly startedAtMs: number;
  readonly ports: Readonly<Record<string, number>>;
  readonly endpoints: Endpoints;
  readonly secrets: SecretFiles;
  readonly network?: Network;
  readonly processes: readonly ProcessState[];
  /** Compose project whose containers this stack started, if any. */
  readonly composeProject?: string;
}

export function writeState(path: string, state: StackState): void {
  writeFileAtomically(path, `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** The last written state; undefined when there is none or it was written by another version. */
export function readState(path: string): StackState | undefined {
  const value = readJson(path);
  if (typeof value !== 'object' || value === null) return undefined;
  const state = value as StackState;
  return state.version === 1 && Array.isArray(state.processes) ? state : undefined;
}

/** Checks what the provisioning wrote; throws with the field's name, the file comes from another process. */
export function parseNetwork(value: unknown): Network {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const { chainId, vaultAddress, trc20Address, trc10Id } = fields;
  if (!/^\d+$/.test(String(chainId))) throw new Error('network.json has no chainId');
  for (const [name, text] of Object.entries({ vaultAddress, trc20Address })) {
    if (typeof text !== 'string' || !text.startsWith('T')) {
      throw new Error(`network.json has no ${name} in base58`);
    }
  }
  if (!/^\d+$/.test(String(trc10Id))) throw new Error('network.json has no trc10Id');
  return {
    chainId: Number(chainId),
    vaultAddress: String(vaultAddress),
    trc20Address: String(trc20Address),
    trc10Id: String(trc10Id),
  };
}
