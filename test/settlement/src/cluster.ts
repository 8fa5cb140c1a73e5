import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { dataFolder } from '../../../deploy/local/src/data-folder.js';
import { isPortFree, pickPorts } from '../../../deploy/local/src/ports.js';
import {
  isAlive,
  type ProcessIdentity,
  signal,
} from '../../../deploy/local/src/process-identity.js';
import { serviceSpec } from '../../../deploy/local/src/service-specs.js';
import { type Stack, startStack } from '../../../deploy/local/src/stack.js';
import type { Network } from '../../../deploy/local/src/state-file.js';
import { LogSince, within } from '../../crash/src/cluster.js';
import { Truth } from './truth.js';

export { within } from '../../crash/src/cluster.js';

/** Processes that a round may hurt. */
export type ProcessName = 'settlement' | 'settlement-2' | 'balance';

/** How often a payout may fail before it goes back to its owner. */
export const FAILURES_MAX = 3;
/** Fee of a withdrawal that its payee claims. */
export const CLAIM_FEE_UNITS = 25n;

const FIRST = 'settlement';
const SECOND = 'settlement-2';
/** Nineteen of twenty-seven witnesses, as on the main network; blocks come faster. */
const SOLID_LAG_BLOCKS = 19;
const BLOCK_INTERVAL_MS = 40;
const READY_MS = 90_000;

const SETTLEMENT = {
  SETTLEMENT_CRON: '* * * * * *',
  POLL_INTERVAL_MS: '50',
  REBROADCAST_MS: '300',
  TX_EXPIRATION_MS: '5000',
  TRON_TIMEOUT_MS: '2000',
  ATTEMPTS_MAX: '50',
  FAILURES_MAX: String(FAILURES_MAX),
  EPOCH_PAUSE_MS: '200',
  EPOCHS_KEPT: '3',
  // The shortest that there is: each round that lets claims lapse moves the chain's time past it.
  CLAIM_WINDOW_MS: '90000000',
  WITHDRAWAL_CLAIM_FEE_UNITS: String(CLAIM_FEE_UNITS),
  // The chain's time is moved ahead of ours, by more than a day with each of them.
  HEAD_SKEW_MAX_MS: '31536000000',
};
/** 0: no epochs. They are transactions of their own, which would take the faults meant for payouts. */
const EPOCH_PERIOD_MS = { without: '0', with: '5000' };

/** Postgres, Kafka, a chain with an honest and a lying node, balance and settlement, in a folder of their own. */
export class SettlementCluster {
  readonly sql: postgres.Sql<{ bigint: bigint }>;
  /** What each settlement process is started with, again and again. */
  readonly #environments: NodeJS.ProcessEnv[] = [];
  #settlementGrpc = '';
  #settlementInternalGrpc = '';
  #epochs = false;

  private constructor(
    readonly stack: Stack,
    readonly truth: Truth,
    private readonly env: NodeJS.ProcessEnv,
    private readonly pointsFile: string,
  ) {
    this.sql = postgres(this.databaseUrl, {
      max: 2,
      onnotice: () => undefined,
      types: { bigint: postgres.BigInt },
      connection: { application_name: 'swarmledger-settlement-test' },
    });
  }

  /** Starts everything; it ends with this process whatever happens. */
  static async start(dataDir: string): Promise<SettlementCluster> {
    const pointsFile = join(dataDir, 'fail-points');
    const { PATH, HOME, LANG, JAVA_HOME, TMPDIR } = process.env;
    const env = {
      ...{ PATH, HOME, LANG, JAVA_HOME, TMPDIR },
      ...SETTLEMENT,
      FAIL_POINTS_FILE: pointsFile,
    };
    const { truth = 0 } = await somePorts(['truth']);
    // The chain takes its settings from this process.
    process.env.SOLID_LAG_BLOCKS = String(SOLID_LAG_BLOCKS);
    process.env.MORE_PORTS = String(truth);
    const stack = await startStack({
      dataDir,
      parts: ['postgres', 'kafka', 'chain', 'balance'],
      env,
      guard: true,
      restart: 'always',
      blockIntervalMs: BLOCK_INTERVAL_MS,
      postgresSettings: { fsync: 'off', full_page_writes: 'off' },
    });
    const nodes = new Truth(`http://127.0.0.1:${truth}`, stack.urls.tronNodeUrl ?? '');
    const cluster = new SettlementCluster(stack, nodes, env, pointsFile);
    try {
      await cluster.#launch(FIRST);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get databaseUrl(): string {
    return this.stack.urls.databaseUrl ?? '';
  }

  get network(): Network {
    const { network } = this.stack.state;
    if (network === undefined) throw new Error('the stack has no network');
    return network;
  }

  secret(name: 'hotWalletKey' | 'internalToken'): string {
    return readFileSync(this.stack.state.secrets[name], 'utf8').trim();
  }

  /** Where the first settlement process serves its public API. */
  get settlementGrpc(): string {
    return this.#settlementGrpc;
  }

  /** Where it serves operators. */
  get settlementInternalGrpc(): string {
    return this.#settlementInternalGrpc;
  }

  /** Whether batches wait for epochs. */
  get hasEpochs(): boolean {
    return this.#epochs;
  }

  /** The settlement processes that there are. */
  get settlements(): readonly ProcessName[] {
    const second = this.stack.state.processes.some(({ name }) => name === SECOND);
    return second ? [FIRST, SECOND] : [FIRST];
  }

  /** Starts a second settlement process, unless it runs. */
  async addSecond(): Promise<void> {
    if (this.settlements.length === 1) await this.#launch(SECOND);
  }

  /** Lets settlement commit epochs, before which nothing is paid, or none: its processes start anew for that. */
  async setEpochs(on: boolean): Promise<void> {
    if (on === this.#epochs) return;
    this.#epochs = on;
    for (const env of this.#environments) Object.assign(env, epochsOf(on));
    for (const name of this.settlements) {
      const before = this.identity(name);
      this.kill(before, 'SIGKILL');
      await within(READY_MS, () => this.identity(name).pid !== before.pid);
    }
    if (!(await this.ready(READY_MS))) throw new Error('settlement did not come back');
  }

  async #launch(name: typeof FIRST | typeof SECOND): Promise<void> {
    const { state } = this.stack;
    const picked = await somePorts(['settlement', 'settlement-internal', 'settlement-http']);
    const spec = serviceSpec('settlement', {
      folder: dataFolder(state.dataDir),
      ports: { ...state.ports, ...picked },
      endpoints: state.endpoints,
      secrets: state.secrets,
      network: this.network,
      env: this.env,
      restart: 'always',
    });
    const env = { ...spec.env, ...epochsOf(this.#epochs) };
    this.#environments.push(env);
    if (name === FIRST) {
      this.#settlementGrpc = `127.0.0.1:${picked.settlement}`;
      this.#settlementInternalGrpc = `127.0.0.1:${picked['settlement-internal']}`;
    }
    const port = picked['settlement-http'] ?? 0;
    const named = { ...spec, env, name, logFile: this.#logFile(name) };
    await this.stack.launch(named, port, `http://127.0.0.1:${port}`);
  }

  identity(name: ProcessName): ProcessIdentity {
    return this.stack.process(name);
  }

  kill(identity: ProcessIdentity, name: NodeJS.Signals): void {
    if (!signal(identity, name)) throw new Error(`process ${identity.pid} is gone`);
  }

  /** Arms fail-points of a process; an empty text disarms them. */
  arm(identity: ProcessIdentity, points: string): void {
    writeFileSync(this.pointsFile, points);
    this.kill(identity, 'SIGUSR2');
  }

  /** Waits for the end of a process; false when it lives on. */
  died(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
    return within(timeoutMs, () => !isAlive(identity));
  }

  isStopped(identity: ProcessIdentity): boolean {
    try {
      const text = readFileSync(`/proc/${identity.pid}/stat`, 'utf8');
      return text[text.lastIndexOf(')') + 2] === 'T';
    } catch {
      return false;
    }
  }

  /** Ready again, all of them. */
  async ready(timeoutMs: number): Promise<boolean> {
    const names: readonly ProcessName[] = ['balance', ...this.settlements];
    const phaseOf = (of: string) =>
      this.stack.state.processes.find(({ name }) => name === of)?.phase;
    // That a process died is seen before the stack hears of it.
    return within(timeoutMs, () =>
      names.every((name) => isAlive(this.identity(name)) && phaseOf(name) === 'running'),
    );
  }

  /** The log of a process from now on. */
  followLog(name: ProcessName): LogSince {
    return new LogSince(this.#logFile(name));
  }

  /** The database session that holds the leader's lock, by its process number. */
  async leaderSession(): Promise<number | undefined> {
    const [row] = await this.sql<{ pid: number }[]>`
      select l.pid from pg_locks l join pg_stat_activity a using (pid)
      where l.locktype = 'advisory' and l.granted
        and a.application_name = 'swarmledger-settlement-leader'`;
    return row?.pid;
  }

  /** Ends the session that holds the leader's lock, as a cut connection does. */
  async endLeaderSession(): Promise<boolean> {
    const [row] = await this.sql<{ ended: boolean }[]>`
      select pg_terminate_backend(l.pid) as ended from pg_locks l
      where l.locktype = 'advisory' and l.granted and l.pid in (
        select pid from pg_stat_activity where application_name = 'swarmledger-settlement-leader')`;
    return row?.ended === true;
  }

  async stop(): Promise<void> {
    await this.sql.end({ timeout: 1 });
    await this.stack.stop();
  }

  #logFile(name: ProcessName): string {
    return join(dataFolder(this.stack.state.dataDir).logs, `${name}.log`);
  }
}

const epochsOf = (on: boolean) => ({
  EPOCH_PERIOD_MS: on ? EPOCH_PERIOD_MS.with : EPOCH_PERIOD_MS.without,
});

async function somePorts(names: string[]): Promise<Record<string, number>> {
  return pickPorts({ names, remembered: {}, chosen: {}, isFree: isPortFree, random: Math.random });
}

/** Asks until it is so; false when the time is over. For questions that need an answer from elsewhere. */
export async function until(timeoutMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}
