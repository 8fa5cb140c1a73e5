import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf } from '../../../load-tests/src/bench/corpus/draws.js';
import type { Finding } from './check/findings.js';
import { LedgerChecker, toldBy } from './check/ledger-checker.js';
import { CrashCluster, within } from './cluster.js';
import type { Bite } from './faults/fault.js';
import { killAnytime, killAtFailPoint, killBackend } from './faults/kill.fault.js';
import { killInRebalance, wakeAZombie } from './faults/replica.fault.js';
import { WAYS } from './load/ack-log.js';
import { LoadProcess } from './load/load-process.js';
import type { CrashOptions } from './options.js';
import type { CrashPoint } from './points.js';

// Not a measure of speed: a broker that starts beside other work on few cores may take over a minute, and
// what is not booked by then counts as lost.
const RECOVER_MS = 300_000;
/** Payments must flow by every way before the next fault: a fault in a standing system proves nothing. */
const FLOW_MS = 120_000;
const ACKS_BEFORE_FAULT = 3;
const CHECK_ATTEMPTS = 3;

/** What one round came to. */
export type Round = {
  readonly point: string;
  /** Why the round is no proof, or undefined. */
  readonly failure: string | undefined;
  /** From the death until everything was back, paid and booked again. */
  readonly recoveredMs: number;
  readonly findings: readonly Finding[];
};

/** Is told of each round as soon as it is over. */
export type RunWatcher = (round: Round) => void;

/** All that is known at the end of a run. */
export type CrashOutcome = {
  readonly rounds: readonly Round[];
  /** Of the check after the last payment had its answer, which hashes the whole chain again. */
  readonly last: readonly Finding[];
  readonly payments: { readonly sent: number; readonly acked: number; readonly unanswered: number };
};

/** One run: a cluster, a payer, and one round after another. */
export class CrashRun {
  readonly #random: () => number;
  readonly #rounds: Round[] = [];

  private constructor(
    private readonly options: CrashOptions,
    private readonly cluster: CrashCluster,
    private readonly load: LoadProcess,
    private readonly checker: LedgerChecker,
  ) {
    this.#random = randomOf(options.seed + 1);
  }

  /**
   * Takes points from a queue, which other runs may share, until it is empty; everything is in a folder
   * of its own. Throws when the system or the payer cannot be started or is lost.
   */
  static async run(
    options: CrashOptions,
    queue: CrashPoint[],
    folder: string,
    watcher: RunWatcher,
  ): Promise<CrashOutcome> {
    const cluster = await CrashCluster.start(join(folder, 'data'));
    let load: LoadProcess | undefined;
    let checker: LedgerChecker | undefined;
    try {
      load = await startLoad(options, cluster, join(folder, 'load'));
      checker = new LedgerChecker(cluster.databaseUrl, load.channels);
      return await new CrashRun(options, cluster, load, checker).#all(queue, watcher);
    } finally {
      load?.kill();
      await checker?.close();
      await cluster.stop();
    }
  }

  async #all(queue: CrashPoint[], watcher: RunWatcher): Promise<CrashOutcome> {
    for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
      if (point.replicas === 2) await this.cluster.addReplica();
      for (let round = 0; round < this.options.rounds; round++) {
        const done = await this.#round(point);
        this.#rounds.push(done);
        watcher(done);
      }
    }
    await this.load.stop();
    const log = this.load.acks.read();
    const told = toldBy(log);
    await this.checker.waitFor(told, RECOVER_MS);
    const last = await this.checker.check(told, () => log.sentUnits, { whole: true });
    const refused = log.refusals.map((text): Finding => ({ kind: 'refused', text }));
    return {
      rounds: this.#rounds,
      last: [...last, ...refused],
      payments: { sent: log.sends, acked: sumOf(log.acks), unanswered: log.unanswered },
    };
  }

  async #round(point: CrashPoint): Promise<Round> {
    this.load.assertAlive();
    const nothing = { point: point.name, recoveredMs: 0, findings: [] };
    if (!(await this.#flows())) {
      return { ...nothing, failure: 'no payments were acknowledged before the fault' };
    }
    await sleep(this.#random() * 150);
    const bite = await this.#bite(point);
    if (!bite.bit) return { ...nothing, failure: bite.why };
    const { told, recoveredMs } = await this.#recovered(bite);
    if (told === undefined) {
      const findings = await this.#check(toldBy(this.load.acks.read()));
      const failure = `not recovered after ${RECOVER_MS / 1_000} s`;
      return { ...nothing, recoveredMs: RECOVER_MS, failure, findings };
    }
    return { ...nothing, recoveredMs, failure: undefined, findings: await this.#check(told) };
  }

  #bite({ fault }: CrashPoint): Promise<Bite> {
    const { cluster, checker } = this;
    const tools = { cluster, random: this.#random, applied: () => checker.applied() };
    switch (fault.kind) {
      case 'fail-point':
        return killAtFailPoint(tools, fault.service, fault.point);
      case 'kill':
        return killAnytime(tools, fault.process);
      case 'backend':
        return killBackend(tools);
      case 'rebalance':
        return killInRebalance(tools, fault.point);
      case 'zombie':
        return wakeAZombie(tools, fault.point);
    }
  }

  async #flows(): Promise<boolean> {
    const before = { ...this.load.acks.read().acks };
    return within(FLOW_MS, () => {
      const { acks } = this.load.acks.read();
      return WAYS.every((way) => acks[way] >= before[way] + ACKS_BEFORE_FAULT);
    });
  }

  // Back are: the process, acknowledgements given after its death, and in the books all that was
  // acknowledged until then.
  async #recovered({ atMs, isBack }: Extract<Bite, { bit: true }>) {
    const flows = () => this.load.acks.read().lastAckAtMs > atMs;
    if (!(await within(RECOVER_MS, () => isBack() && flows()))) return { recoveredMs: 0 };
    const told = toldBy(this.load.acks.read());
    const booked = await this.checker.waitFor(told, RECOVER_MS);
    return { told: booked ? told : undefined, recoveredMs: Date.now() - atMs };
  }

  // The database may be in recovery when a round failed: asked again, what cannot be asked is a finding.
  async #check(told: ReturnType<typeof toldBy>): Promise<Finding[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.checker.check(told, () => this.load.acks.read().sentUnits);
      } catch (error) {
        if (attempt >= CHECK_ATTEMPTS) {
          return [{ kind: 'books', text: `the books cannot be read: ${String(error)}` }];
        }
        await sleep(1_000);
      }
    }
  }
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

async function startLoad(
  options: CrashOptions,
  cluster: CrashCluster,
  folder: string,
): Promise<LoadProcess> {
  mkdirSync(folder, { recursive: true });
  const { urls, state } = cluster.stack;
  return LoadProcess.start({
    ingestGrpc: urls.ingestGrpc ?? '',
    balanceGrpc: urls.balanceGrpc ?? '',
    booksGrpc: urls.balanceInternalGrpc ?? '',
    internalTokenFile: state.secrets.internalToken,
    seed: options.seed,
    paymentsPerSecond: options.paymentsPerSecond,
    folder,
  });
}
