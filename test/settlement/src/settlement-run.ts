import { join } from 'node:path';
import { randomOf } from '../../../load-tests/src/bench/corpus/draws.js';
import type { Progress } from '../../../load-tests/src/bench/progress.js';
import { chainHex } from './check/chain-record.js';
import { type Known, SettlementChecker } from './check/checker.js';
import type { Finding } from './check/compare.js';
import { SettlementCluster } from './cluster.js';
import { type Fault, type FaultTools, missed } from './faults/fault.js';
import { hastened } from './haste.js';
import type { SettlementOptions } from './options.js';
import { Traffic } from './traffic.js';

const REST_MS = 90_000;
/** Longer than a leader that does nothing keeps its lock. */
const SHORT_PAUSE_MS = 13_000;
const PAUSES_MAX = 2;
/** Makes solidified what is in a block. */
const SOLID_BLOCKS = 20;

/** What one round came to. */
export type Round = {
  readonly fault: string;
  /** Why the round is no proof, or undefined. */
  readonly failure: string | undefined;
  /** From the fault's end until all was paid, credited and told. */
  readonly restedMs: number;
  readonly findings: readonly Finding[];
};

/** All that is known at the end of a run. */
export type SettlementOutcome = {
  readonly options: SettlementOptions;
  readonly rounds: readonly Round[];
  readonly withdrawals: number;
  readonly deposits: number;
  readonly seconds: number;
};

/** One run: a cluster, people who pay in and out, and one fault after another. */
export class SettlementRun {
  readonly #rounds: Round[] = [];
  readonly #startedMs = Date.now();

  private constructor(
    private readonly options: SettlementOptions,
    private readonly tools: FaultTools,
    private readonly checker: SettlementChecker,
  ) {}

  /** Runs everything in a folder. Throws when the system cannot be started or is lost. */
  static async run(
    options: SettlementOptions,
    folder: string,
    progress: Progress,
  ): Promise<SettlementOutcome> {
    progress.say(`seed ${options.seed}; data and logs in ${folder}`);
    const cluster = await SettlementCluster.start(join(folder, 'data'));
    const random = randomOf(options.seed + 1);
    let checker: SettlementChecker | undefined;
    let traffic: Traffic | undefined;
    try {
      traffic = await Traffic.start(cluster, options.seed, random);
      checker = checkerOf(cluster, traffic);
      const { truth } = cluster;
      const strays = { TRC20_BTT: 0n, TRC10_BTTOLD: 0n };
      const pauseMs = options.pauseSeconds * 1_000;
      const own = { strays, noAccounts: new Set<string>() };
      const tools: FaultTools = { cluster, truth, traffic, random, pauseMs, ...own };
      return await new SettlementRun(options, tools, checker).#all(progress);
    } finally {
      traffic?.close();
      await checker?.close();
      await cluster.stop();
    }
  }

  async #all(progress: Progress): Promise<SettlementOutcome> {
    const { faults, rounds } = this.options;
    const { truth } = this.tools;
    await truth.mine(SOLID_BLOCKS);
    const credited = (await this.#rest()) !== undefined && this.checker.record.in.length > 0;
    if (!credited) throw new Error('the first deposits were not credited');
    await this.checker.checkReserves(this.tools.strays);
    const bar = progress.bar('faults', rounds);
    const shares = sharesOf(faults, rounds);
    for (const [at, fault] of faults.entries()) {
      const times = shares[at] ?? 0;
      if (times === 0) continue;
      if (fault.processes === 2) await this.tools.cluster.addSecond();
      await this.tools.cluster.setEpochs(fault.epochs === true);
      for (let time = 0; time < times; time++) {
        const done = await this.#round(fault, time === 0);
        this.#rounds.push(done);
        for (const line of complaintsOf(done)) progress.say(`\n${fault.name}: ${line}`);
        bar.advance(1);
      }
    }
    bar.done();
    return {
      options: this.options,
      rounds: this.#rounds,
      withdrawals: this.tools.traffic.asked.length,
      deposits: this.checker.record.in.length,
      seconds: (Date.now() - this.#startedMs) / 1_000,
    };
  }

  async #round(fault: Fault, first: boolean): Promise<Round> {
    const { truth, cluster } = this.tools;
    // The whole pause once for each kind; the others last as long as it takes to lose the lock.
    const pauseMs = first ? this.tools.pauseMs : Math.min(this.tools.pauseMs, SHORT_PAUSE_MS);
    const bite = await fault
      .act({ ...this.tools, pauseMs })
      .catch((error: unknown) => missed(String(error)));
    await truth.disarm();
    // What is in a block now can be waited for from now on.
    await truth.mine(SOLID_BLOCKS);
    const restedMs = await this.#rest();
    const findings = await this.checker.check(this.#known);
    if (restedMs !== undefined) {
      findings.push(...(await this.checker.checkReserves(this.tools.strays)));
    }
    const unrest = restedMs === undefined ? `not at rest after ${REST_MS / 1_000} s` : undefined;
    const alive = await cluster.ready(REST_MS);
    const failure = bite.bit ? unrest : bite.why;
    return {
      fault: fault.name,
      failure: alive ? failure : 'a process did not come back',
      restedMs: restedMs ?? REST_MS,
      findings,
    };
  }

  /** Waits until all that was asked for has ended; undefined when that does not come. */
  async #rest(): Promise<number | undefined> {
    const startedMs = Date.now();
    const { cluster } = this.tools;
    const rested = await hastened(cluster, REST_MS, () => this.checker.atRest(this.#known));
    return rested ? Date.now() - startedMs : undefined;
  }

  get #known(): Known {
    const { traffic, noAccounts } = this.tools;
    return { asked: traffic.asked, noAccounts, ignoredTo: new Set() };
  }
}

/**
 * How often each kind has its turn: evenly, the rest to the first ones, but kinds with two processes at
 * most twice while there are others: they pause for so long that little else would be tried.
 */
export function sharesOf(faults: readonly Pick<Fault, 'processes'>[], rounds: number): number[] {
  const shares = faults.map(() => 0);
  const alone = faults.some(({ processes }) => processes === 1);
  for (let left = rounds; left > 0; ) {
    for (const [at, { processes }] of faults.entries()) {
      const share = shares[at] ?? 0;
      if (left === 0 || (alone && processes === 2 && share >= PAUSES_MAX)) continue;
      shares[at] = share + 1;
      left -= 1;
    }
  }
  return shares;
}

function checkerOf(cluster: SettlementCluster, traffic: Traffic): SettlementChecker {
  const { vaultAddress, trc20Address, trc10Id } = cluster.network;
  return new SettlementChecker(cluster.databaseUrl, cluster.truth, {
    vault: chainHex(vaultAddress),
    hotWallet: chainHex(traffic.wallet(cluster.secret('hotWalletKey')).address),
    trc20: chainHex(trc20Address),
    trc10Id,
  });
}

function complaintsOf({ failure, findings }: Round): string[] {
  const found = findings.map(({ kind, text }) => `${kind}: ${text}`);
  return failure === undefined ? found : [failure, ...found];
}
