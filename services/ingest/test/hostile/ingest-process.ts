import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, freePort } from '#libs/testing';
import { SIGNING } from '../factory.js';

const ROOT = join(import.meta.dirname, '../../../..');
const MAIN = join(ROOT, 'dist/services/ingest/src/main.js');
const GC = join(import.meta.dirname, 'gc-on-signal.mjs');

/** The compiled service in a process of its own, so that its memory and its end can be seen. */
export class IngestProcess {
  #output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly grpcPort: number,
    private readonly httpPort: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (part: Buffer) => {
        this.#output = (this.#output + part.toString()).slice(-4_000);
      });
    }
  }

  /** Resolves when it is ready. */
  static async start(options: {
    brokers: string;
    balance: string;
    token: string;
    env?: Record<string, string>;
  }): Promise<IngestProcess> {
    if (!existsSync(MAIN)) throw new Error('dist is missing: build first (npm run build)');
    const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, options.token);
    const [grpcPort, httpPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, ['--expose-gc', '--import', GC, MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'warn',
        HTTP_PORT: String(httpPort),
        GRPC_PORT: String(grpcPort),
        KAFKA_BROKERS: options.brokers,
        CHAIN_ID: String(SIGNING.chainId),
        VAULT_ADDRESS: SIGNING.vaultAddress,
        BALANCE_INTERNAL_URL: options.balance,
        INTERNAL_TOKEN_FILE: tokenFile,
        ...options.env,
      },
    });
    const ingest = new IngestProcess(child, folder, grpcPort, httpPort);
    try {
      await eventually(() => ingest.#assertReady(), { timeoutMs: 60_000 });
    } catch (error) {
      await ingest.stop();
      throw new Error(`ingest did not get ready:\n${ingest.#output}`, { cause: error });
    }
    return ingest;
  }

  /** What it said last, and how it ended; undefined while it lives. */
  get death(): string | undefined {
    const { exitCode, signalCode } = this.child;
    if (exitCode === null && signalCode === null) return undefined;
    return `ended with ${exitCode ?? signalCode}:\n${this.#output}`;
  }

  /** Resident bytes after its rubbish was collected twice. */
  async restingBytes(): Promise<number> {
    for (let round = 0; round < 2; round++) {
      this.child.kill('SIGUSR2');
      await sleep(400);
    }
    return this.residentBytes();
  }

  residentBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.httpPort}/metrics`)).text();
  }

  /** Ends it and removes its files; answers the exit code. */
  async stop(): Promise<number | null> {
    if (this.death === undefined) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await Promise.race([exited, sleep(15_000, undefined, { ref: false })]);
      this.child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
    return this.child.exitCode;
  }

  /** Resolves when it serves; it may have been without marks while the test was busy. */
  async untilReady(): Promise<void> {
    await eventually(() => this.#assertReady(), { timeoutMs: 60_000 });
  }

  async #assertReady(): Promise<void> {
    const { status } = await fetch(`http://127.0.0.1:${this.httpPort}/readyz`);
    if (status !== 200) throw new Error(`readyz answers ${status}`);
  }
}
