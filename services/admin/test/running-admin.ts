import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { adminModule } from '../src/app.module.js';
import { loadConfig } from '../src/config.js';
import { configureHttp } from '../src/configure.js';
import { type FakeCluster, INTERNAL_TOKEN } from './fake-cluster.js';

export const OPERATOR_TOKEN = 'operator-token-of-the-tests';

export type AdminEnvironment = {
  readonly databaseUrl: string;
  readonly kafkaBrokers: string;
  readonly cluster: Pick<FakeCluster, 'grpcUrl' | 'opsUrl'>;
  readonly httpPort: number;
};

/** The environment of an admin process that watches a fake cluster. */
export function adminEnv(options: AdminEnvironment): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-admin-'));
  const file = (name: string, secret: string) => {
    const path = join(folder, name);
    writeFileSync(path, `${secret}\n`, { mode: 0o600 });
    return path;
  };
  const { grpcUrl, opsUrl } = options.cluster;
  return {
    NODE_ENV: 'test',
    LOG_LEVEL: 'fatal',
    HTTP_PORT: String(options.httpPort),
    DATABASE_URL: options.databaseUrl,
    KAFKA_BROKERS: options.kafkaBrokers,
    OPERATOR_TOKEN_FILE: file('operator-token', OPERATOR_TOKEN),
    INTERNAL_TOKEN_FILE: file('internal-token', INTERNAL_TOKEN),
    SERVICES: JSON.stringify({ ingest: opsUrl, balance: opsUrl }),
    BALANCE_URL: grpcUrl,
    AUCTION_URL: grpcUrl,
    SETTLEMENT_URL: grpcUrl,
    SETTLEMENT_INTERNAL_URL: grpcUrl,
  };
}

/** Starts the whole admin service in this process. */
export async function startAdmin(env: Readonly<Record<string, string>>) {
  const config = loadConfig(env);
  const logger = createLogger({ name: 'admin', level: process.env.TEST_LOG_LEVEL ?? 'fatal' });
  const app = await runService({
    name: 'admin',
    logger,
    host: config.host,
    httpPort: config.httpPort,
    module: adminModule(config, logger),
    grpcPorts: [],
    configure: configureHttp(logger),
  });
  return { url: `http://127.0.0.1:${config.httpPort}`, stop: () => app.close() };
}

/** A TCP relay in front of a server: closing it is what a server that died looks like. */
export class Relay {
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;

  constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  async open(): Promise<void> {
    const server = createServer((client) => {
      const upstream = connect(this.#target);
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream).pipe(client);
    });
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve());
  }
}
