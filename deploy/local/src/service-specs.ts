import { join } from 'node:path';
import type { DataFolder } from './data-folder.js';
import type { Ports } from './ports.js';
import { compileCache, compiled, repositoryRoot } from './root.js';
import type { SecretFiles } from './secrets.js';
import type { Endpoints, Network } from './state-file.js';
import type { ProcessSpec, Restart } from './supervised-process.js';

export const SERVICES = ['balance', 'ingest', 'auction', 'settlement', 'admin'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Names under which a service's ports are chosen and remembered: `ingest` is gRPC, `ingest-http` ops. */
export const SERVICE_PORTS: Readonly<Record<ServiceName, readonly string[]>> = {
  balance: ['balance', 'balance-internal', 'balance-http'],
  ingest: ['ingest', 'ingest-http'],
  auction: ['auction', 'auction-http'],
  settlement: ['settlement', 'settlement-internal', 'settlement-http'],
  admin: ['admin'],
};

/** The local pace: quick enough to watch, set in the environment to have another one. */
export const LOCAL_DEFAULTS: Readonly<Record<string, string>> = {
  LOG_LEVEL: 'info',
  NODE_ENV: 'development',
  LEDGER_PARTITIONS: '8',
  ROUND_PERIOD_MS: '2000',
  SETTLEMENT_CRON: '*/5 * * * * *',
  EPOCH_PAUSE_MS: '2000',
  SETTLEMENT_PERIOD_MS: '5000',
  DISPUTE_WINDOW_MS: '4000',
};

export interface ServiceContext {
  readonly folder: DataFolder;
  readonly ports: Ports;
  readonly endpoints: Endpoints;
  readonly secrets: SecretFiles;
  readonly network: Network;
  readonly env: NodeJS.ProcessEnv;
  readonly restart: Restart;
}

/** A port that must have been allocated before. */
export function portOf(ports: Ports, name: string): number {
  const port = ports[name];
  if (port === undefined) throw new Error(`no port was allocated for ${name}`);
  return port;
}

const loopback = (port: number) => `127.0.0.1:${port}`;

/** Addresses of the services, for those of their ports that are allocated. */
export function serviceEndpoints(ports: Ports): Endpoints {
  const address = (name: string) => {
    const port = ports[name];
    return port === undefined ? undefined : loopback(port);
  };
  const grpc = {
    ingestGrpc: address('ingest'),
    balanceGrpc: address('balance'),
    balanceInternalGrpc: address('balance-internal'),
    auctionGrpc: address('auction'),
    settlementGrpc: address('settlement'),
    settlementInternalGrpc: address('settlement-internal'),
    adminUrl: ports.admin === undefined ? undefined : `http://${loopback(ports.admin)}`,
  };
  const opsUrls: Record<string, string> = {};
  for (const name of SERVICES) {
    const port = ports[opsPortName(name)];
    if (port !== undefined) opsUrls[name] = `http://${loopback(port)}`;
  }
  const known = Object.entries(grpc).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(known), opsUrls };
}

export function opsPortName(name: ServiceName): string {
  return name === 'admin' ? 'admin' : `${name}-http`;
}

/** Variables that every process of ours gets: servers, the asset, the shared secret. */
export function sharedEnvironment(context: ServiceContext): NodeJS.ProcessEnv {
  const { endpoints, network, secrets } = context;
  return {
    ...compileCache,
    ...LOCAL_DEFAULTS,
    ...context.env,
    DATABASE_URL: endpoints.databaseUrl,
    KAFKA_BROKERS: endpoints.kafkaBrokers,
    TRON_NODE_URL: endpoints.tronNodeUrl,
    LISTEN_HOST: '127.0.0.1',
    INTERNAL_TOKEN_FILE: secrets.internalToken,
    CHAIN_ID: String(network.chainId),
    VAULT_ADDRESS: network.vaultAddress,
    TRC20_ADDRESS: network.trc20Address,
    TRC10_ID: network.trc10Id,
  };
}

/** What one service gets on top: its own ports and the addresses of those it calls. */
export function serviceEnvironment(name: ServiceName, context: ServiceContext): NodeJS.ProcessEnv {
  const { ports, secrets, endpoints } = context;
  const port = (key: string) => String(portOf(ports, key));
  const http = { HTTP_PORT: port(opsPortName(name)) };
  const books = { BALANCE_INTERNAL_URL: loopback(portOf(ports, 'balance-internal')) };
  switch (name) {
    case 'balance':
      return { ...http, GRPC_PORT: port('balance'), INTERNAL_GRPC_PORT: port('balance-internal') };
    case 'ingest':
      return { ...http, ...books, GRPC_PORT: port('ingest') };
    case 'auction':
      return { ...http, ...books, GRPC_PORT: port('auction') };
    case 'settlement':
      return {
        ...http,
        ...books,
        GRPC_PORT: port('settlement'),
        INTERNAL_GRPC_PORT: port('settlement-internal'),
        ...walletKey(context),
      };
    case 'admin':
      return {
        ...http,
        OPERATOR_TOKEN_FILE: secrets.operatorToken,
        SERVICES: JSON.stringify(endpoints.opsUrls),
        AUCTION_URL: loopback(portOf(ports, 'auction')),
        SETTLEMENT_URL: loopback(portOf(ports, 'settlement')),
        SETTLEMENT_INTERNAL_URL: loopback(portOf(ports, 'settlement-internal')),
        BALANCE_URL: loopback(portOf(ports, 'balance')),
      };
  }
}

/** The key in clear of local chains, unless the environment names an encrypted or remote one. */
function walletKey({ env, secrets }: ServiceContext): NodeJS.ProcessEnv {
  const named = (env.KEYSTORE_FILE ?? '') !== '' || (env.SIGNER_URL ?? '') !== '';
  return named ? {} : { HOT_WALLET_KEY_FILE: secrets.hotWalletKey };
}

async function answersReady(opsUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

export function serviceSpec(name: ServiceName, context: ServiceContext): ProcessSpec {
  const opsUrl = `http://${loopback(portOf(context.ports, opsPortName(name)))}`;
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', compiled(`services/${name}/src/main.js`)],
    env: { ...sharedEnvironment(context), ...serviceEnvironment(name, context) },
    cwd: repositoryRoot,
    logFile: join(context.folder.logs, `${name}.log`),
    stopSignal: 'SIGTERM',
    isReady: () => answersReady(opsUrl),
    readyTimeoutMs: 90_000,
    restart: context.restart,
  };
}
