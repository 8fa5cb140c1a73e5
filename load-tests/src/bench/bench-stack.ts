import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { addressFromBytes, type SigningDomain } from '#libs/domain';
import { dataFolder } from '../../../deploy/local/src/data-folder.js';
import { serviceSpec } from '../../../deploy/local/src/service-specs.js';
import { type Stack, startStack } from '../../../deploy/local/src/stack.js';
import { freePort } from './free-port.js';

const filled = (byte: number) => addressFromBytes(new Uint8Array(20).fill(byte));

/** What payments of a corpus are signed for: a chain that is nobody's, so that corpora can be kept. */
export const BENCH_DOMAIN: SigningDomain = {
  chainId: 200_000_000_001n,
  vaultAddress: filled(0xb1),
};

const ENVIRONMENT = {
  CHAIN_ID: String(BENCH_DOMAIN.chainId),
  VAULT_ADDRESS: BENCH_DOMAIN.vaultAddress,
  TRC20_ADDRESS: filled(0xb2),
  TRC10_ID: '1002000',
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
};

/** The stack that is measured: two servers and two services, without chain, auction and settlement. */
export class BenchStack {
  /** Addresses of the ingest replicas beyond the first. */
  readonly #replicas: string[] = [];

  private constructor(private readonly stack: Stack) {}

  /** Starts on empty data. Throws what the launcher throws: one sentence on what cannot be had. */
  static async start(dataDir: string, signal: AbortSignal): Promise<BenchStack> {
    rmSync(dataDir, { recursive: true, force: true });
    const stack = await startStack({
      dataDir,
      parts: ['postgres', 'kafka', 'balance', 'ingest'],
      env: { ...process.env, ...ENVIRONMENT },
      guard: true,
      temporary: true,
      signal,
    });
    return new BenchStack(stack);
  }

  /** Which servers are used, in words. */
  get servers(): string {
    return this.stack.state.processes
      .filter(({ name }) => name === 'postgres' || name === 'kafka')
      .map(({ name, source }) => `${name} (${source})`)
      .join(', ');
  }

  get databaseUrl(): string {
    return this.#endpoint('databaseUrl');
  }

  get balanceGrpc(): string {
    return this.#endpoint('balanceGrpc');
  }

  /** Addresses of all ingest replicas. */
  get ingestGrpc(): string[] {
    return [this.#endpoint('ingestGrpc'), ...this.#replicas];
  }

  /** Where the broker keeps its logs, if it is one of ours. */
  get kafkaFolder(): string {
    return dataFolder(this.stack.state.dataDir).kafka;
  }

  /** Process ids by name, of all processes that run on this machine. */
  get pids(): Record<string, number> {
    return Object.fromEntries(
      this.stack.state.processes.flatMap(({ name, identity }) =>
        identity === undefined ? [] : [[name, identity.pid] as const],
      ),
    );
  }

  /** Starts one more ingest, under the stack's supervision and guard. */
  async addIngest(): Promise<void> {
    const { state } = this.stack;
    const { endpoints, secrets, network } = state;
    if (network === undefined) throw new Error('the stack has no network');
    const number = this.#replicas.length + 2;
    const ports = { ...state.ports, ingest: await freePort(), 'ingest-http': await freePort() };
    const folder = dataFolder(state.dataDir);
    const env = { ...process.env, ...ENVIRONMENT };
    const spec = serviceSpec('ingest', {
      folder,
      ports,
      endpoints,
      secrets,
      network,
      env,
      restart: false,
    });
    const logFile = join(folder.logs, `ingest-${number}.log`);
    const address = `127.0.0.1:${ports.ingest}`;
    await this.stack.launch({ ...spec, name: `ingest-${number}`, logFile }, ports.ingest, address);
    this.#replicas.push(address);
  }

  /** Kills balance and returns the seconds until the one that takes its place says that it is ready. */
  async restartBalance(): Promise<number> {
    const before = this.stack.process('balance').pid;
    const startMs = performance.now();
    process.kill(before, 'SIGKILL');
    const url = `${this.stack.urls.opsUrls.balance}/readyz`;
    while (performance.now() - startMs < 120_000) {
      const isNew = (this.pids.balance ?? before) !== before;
      const response = isNew ? await fetch(url).catch(() => undefined) : undefined;
      if (response?.ok) return (performance.now() - startMs) / 1_000;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('balance was not ready again within 120 s');
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }

  #endpoint(name: 'databaseUrl' | 'balanceGrpc' | 'ingestGrpc'): string {
    const address = this.stack.urls[name];
    if (address === undefined) throw new Error(`the stack has no ${name}`);
    return address;
  }
}
