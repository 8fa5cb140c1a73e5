import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerClient, Wallet } from '#libs/client';
import type { Database } from '#libs/database';
import type { BenchStack } from './bench-stack.js';
import { derive } from './corpus/accounts.js';
import { type CorpusFolder, framesPerSegment, readSegment } from './corpus/corpus-folder.js';
import { makeCorpus } from './corpus/make.js';
import type { CorpusPlan } from './corpus/plan.js';
import { AckLog } from './generator/ack-log.js';
import { nowMs } from './generator/clock.js';
import { GeneratorProcess } from './generator/generator-process.js';
import type { PhaseResult } from './generator/messages.js';
import { LedgerWatchRepository } from './measure/ledger-watch.repository.js';
import { type Measurement, Meter } from './measure/meter.js';
import { measureRawLimits } from './measure/raw-limits.js';
import type { Progress } from './progress.js';
import { type Reconciliation, reconcile } from './reconcile.js';
import { SeedRepository } from './seeding/seed.repository.js';

/** What a run needs and shares with the others. */
export type BenchContext = {
  readonly stack: BenchStack;
  readonly database: Database;
  readonly corpusRoot: string;
  readonly folder: string;
  readonly progress: Progress;
};

/** How long and how hard. */
export type RunOrder = {
  readonly name: string;
  readonly plan: CorpusPlan;
  readonly guessPerSecond: number;
  readonly windowItems: number;
  readonly seconds: number;
  readonly itemsPerSecond: number | undefined;
};

/** Everything that one workload's run found. */
export type RunResult = {
  readonly name: string;
  readonly plan: CorpusPlan;
  readonly openSeconds: number;
  /** What one core verified a second just before and just after the measurements. */
  readonly rawVerify: { readonly before: number; readonly after: number };
  /** At the highest sustained rate, or the last one tried. */
  readonly top: Measurement;
  readonly half: Measurement;
  /** True when the rate was kept: no refusal, no lag, applied as fast as acknowledged. */
  readonly sustained: boolean;
  readonly reconciliation: Reconciliation;
  readonly conserved: boolean;
  readonly difference: string | undefined;
};

const RAW_SECONDS = 2;
const SETTLE_SECONDS = 4;
const PROBE_SECONDS = 8;
/** Also because a connection lives for 35 minutes: one of 30 at the rate that is asked for must fit. */
const HALF_SECONDS_MAX = 60;
const ATTEMPTS = 5;
/** Of what a bounded window got through, an open loop can be expected to keep up with so much. */
const HEADROOM = 0.97;
const STEP_DOWN = 0.95;
const STEP_DOWN_MOST = 0.8;
const BEHIND_MAX_SECONDS = 0.25;
const LAG_MAX_SECONDS = 1;
const APPLY_MS = 500;
const DRAIN_MS = 120_000;
const SESSION_MS = 12 * 3_600_000;
const SEAL_MS = 120_000;

/** Runs one workload from corpus to reconciliation. */
export async function runWorkload(context: BenchContext, order: RunOrder): Promise<RunResult> {
  return await new WorkloadRun(context, order).run();
}

class WorkloadRun {
  readonly #watch: LedgerWatchRepository;
  readonly #folder: string;
  #ackedUnits = 0;
  #unitsBefore = 0;
  /** Frames of each stream that were sent. */
  #sent: readonly number[] = [];

  constructor(
    private readonly context: BenchContext,
    private readonly order: RunOrder,
  ) {
    this.#watch = new LedgerWatchRepository(context.database);
    this.#folder = join(context.folder, order.name);
  }

  async run(): Promise<RunResult> {
    const { plan, name } = this.order;
    const { progress, stack, corpusRoot } = this.context;
    const corpus = await this.#corpus(SETTLE_SECONDS * this.order.guessPerSecond);
    const firstChannelNo = await this.#seed(corpus);
    mkdirSync(this.#folder, { recursive: true });
    const { generator, openSeconds } = await GeneratorProcess.start({
      corpusRoot,
      plan,
      addresses: stack.ingestGrpc,
      session: sessionOf(plan),
      folder: this.#folder,
    });
    progress.say(`${name}: ${plan.channels} handles opened in ${openSeconds.toFixed(1)} s`);
    try {
      this.#unitsBefore = await this.#watch.appliedUnits();
      const meter = new Meter(stack, this.#watch, generator);
      const before = measureRawLimits(RAW_SECONDS).verifyPerSecond;
      const { top, sustained } = await this.#measureTop(generator, meter);
      const halfSeconds = Math.min(
        HALF_SECONDS_MAX,
        Math.max(10, Math.round(this.order.seconds / 3)),
      );
      await this.#corpus(halfSeconds * (top.askedPerSecond / 2));
      const halfRate = { itemsPerSecond: top.askedPerSecond / 2, untilRefused: false };
      const half = await this.#measure(meter, 'half', halfRate, halfSeconds);
      await generator.finish();
      const after = measureRawLimits(RAW_SECONDS).verifyPerSecond;
      return {
        name,
        plan,
        openSeconds,
        rawVerify: { before, after },
        top,
        half,
        sustained,
        ...(await this.#check(corpus, firstChannelNo, half)),
      };
    } finally {
      generator.stop();
    }
  }

  /** The corpus with frames on disk for so many payments after those that were sent. */
  #corpus(items: number): Promise<CorpusFolder> {
    const { plan } = this.order;
    const more = Math.ceil((1.05 * items) / plan.batchItems / plan.streams) + 1;
    const { corpusRoot, progress } = this.context;
    return makeCorpus(corpusRoot, plan, Math.max(0, ...this.#sent) + more, progress);
  }

  // What is left of the corpus's plan must last for the measurement.
  #affordable(perSecond: number, seconds: number): number {
    const { plan } = this.order;
    const left = (plan.framesMax - Math.max(0, ...this.#sent)) * plan.batchItems * plan.streams;
    return Math.min(perSecond, (0.95 * left) / seconds);
  }

  async #seed(corpus: CorpusFolder): Promise<bigint> {
    const startMs = performance.now();
    const seeding = new SeedRepository(this.context.database);
    const { firstChannelNo } = await seeding.seed(corpus, BigInt(Date.now()));
    const untilMs = performance.now() + SEAL_MS;
    while ((await seeding.unsealed()) > 0) {
      if (performance.now() > untilMs)
        throw new Error('balance does not seal the seeded operations');
      await sleep(100);
    }
    await seeding.settle();
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    this.context.progress.say(
      `${this.order.name}: ${corpus.plan.channels} channels opened in the books in ${seconds} s`,
    );
    return firstChannelNo;
  }

  async #measureTop(
    generator: GeneratorProcess,
    meter: Meter,
  ): Promise<{ top: Measurement; sustained: boolean }> {
    const { progress } = this.context;
    const { name, itemsPerSecond, seconds } = this.order;
    let rate = itemsPerSecond ?? HEADROOM * (await this.#probe(generator));
    if (itemsPerSecond !== undefined) await this.#warm(generator, itemsPerSecond);
    for (let attempt = 1; ; attempt++) {
      rate = this.#affordable(rate, seconds);
      progress.say(`${name}: ${Math.round(rate)} payments/s for ${seconds} s`);
      await this.#corpus(rate * seconds);
      // What a rate that is too high takes from the corpus, the next one lacks.
      const asked = { itemsPerSecond: rate, untilRefused: itemsPerSecond === undefined };
      const top = await this.#measure(meter, `top-${attempt}`, asked, seconds);
      const reasons = unsustained(top);
      if (reasons.length === 0) return { top, sustained: true };
      progress.say(`${name}: not sustained: ${reasons.join('; ')}`);
      if (itemsPerSecond !== undefined || attempt === ATTEMPTS) return { top, sustained: false };
      // What it did get through is the best guess at what it can, but a short look says too little.
      const managed = HEADROOM * Math.min(top.ackedPerSecond, top.appliedPerSecond);
      rate = Math.max(rate * STEP_DOWN_MOST, Math.min(rate * STEP_DOWN, managed));
      if (this.#affordable(rate, seconds) < STEP_DOWN_MOST * rate) {
        progress.say(`${name}: the corpus has no payments left for another rate`);
        return { top, sustained: false };
      }
    }
  }

  // As fast as a bounded window lets it: the first seconds warm up, the others tell the rate.
  async #probe(generator: GeneratorProcess): Promise<number> {
    const mode = { kind: 'window', items: this.#windowItems() } as const;
    const settled = await generator.phase({ name: 'settle', mode, seconds: SETTLE_SECONDS });
    await this.#took(settled);
    await this.#corpus(1.2 * PROBE_SECONDS * perSecondOf(settled));
    const result = await generator.phase({ name: 'probe', mode, seconds: PROBE_SECONDS });
    await this.#took(result);
    // Balance may still have had work when the last answer came: that time counts, less what it takes
    // to apply the last payments at any rate.
    const untilAppliedMs = Math.max(result.endMs, nowMs() - APPLY_MS) - result.startMs;
    const perSecond = Math.min(perSecondOf(result), (result.acked * 1_000) / untilAppliedMs);
    this.context.progress.say(`${this.order.name}: probe ${Math.round(perSecond)} payments/s`);
    return perSecond;
  }

  // Channels that take turns must not come up twice among the payments in flight: they would be compacted.
  #windowItems(): number {
    const { plan, windowItems } = this.order;
    if (plan.choice !== 'round-robin') return windowItems;
    return Math.max(plan.batchItems, Math.min(windowItems, plan.channels / 2));
  }

  async #warm(generator: GeneratorProcess, itemsPerSecond: number): Promise<void> {
    const seconds = SETTLE_SECONDS + PROBE_SECONDS;
    await this.#corpus(seconds * itemsPerSecond);
    const mode = { kind: 'rate', itemsPerSecond } as const;
    await this.#took(await generator.phase({ name: 'warm', mode, seconds }));
  }

  async #measure(
    meter: Meter,
    name: string,
    rate: { readonly itemsPerSecond: number; readonly untilRefused: boolean },
    seconds: number,
  ): Promise<Measurement> {
    return await meter.measure(name, rate, seconds, (phase) => this.#took(phase));
  }

  // Waits until all that a phase sent is applied. Every payment of a corpus moves one unit, so what was
  // acknowledged can be counted in the balances.
  async #took(phase: PhaseResult): Promise<void> {
    this.#ackedUnits += phase.acked;
    this.#sent = phase.framesSent;
    const untilMs = performance.now() + DRAIN_MS;
    while ((await this.#watch.appliedUnits()) - this.#unitsBefore < this.#ackedUnits) {
      if (performance.now() > untilMs) return;
      await sleep(25);
    }
  }

  async #check(
    corpus: CorpusFolder,
    firstChannelNo: bigint,
    last: Measurement,
  ): Promise<Pick<RunResult, 'reconciliation' | 'conserved' | 'difference'>> {
    const { plan } = corpus;
    const owed = await this.#watch.owed(firstChannelNo, plan.channels);
    const streams = last.phase.framesSent.map((sent, stream) => ({
      log: AckLog.load(this.#folder, stream),
      frames: framesOf(corpus, stream, sent),
    }));
    const reconciliation = await reconcile(plan, streams, owed);
    const difference = await this.#watch.difference();
    const ledger = await LedgerClient.connect(this.context.stack.balanceGrpc);
    try {
      const totals = await ledger.totals();
      return {
        reconciliation,
        conserved: totals.conserved && difference === undefined,
        difference: difference ?? (totals.conserved ? undefined : totals.firstDifference),
      };
    } finally {
      ledger.close();
    }
  }
}

/** Why a rate was not kept; empty when it was. */
export function unsustained(top: Measurement): string[] {
  const { phase, appliedPerSecond, ackedPerSecond } = top;
  const seconds = (phase.endMs - phase.startMs) / 1_000;
  const lagSeconds = ((ackedPerSecond - appliedPerSecond) * seconds) / ackedPerSecond;
  const refused = Object.entries(phase.refused).map(([reason, count]) => `${count} ${reason}`);
  return [
    ...(phase.gaveUp && refused.length === 0 ? ['fell behind hopelessly'] : []),
    ...(phase.exhausted ? ['the corpus ended early'] : []),
    ...(refused.length > 0 ? [`refused ${refused.join(', ')}`] : []),
    ...(phase.behindSeconds > BEHIND_MAX_SECONDS
      ? [`${phase.behindSeconds.toFixed(1)} s behind`]
      : []),
    ...(lagSeconds > LAG_MAX_SECONDS
      ? [`balance ${lagSeconds.toFixed(1)} s behind the acknowledgements`]
      : []),
  ];
}

function perSecondOf({ ackedInTime, startMs, endMs }: PhaseResult): number {
  return (ackedInTime * 1_000) / (endMs - startMs);
}

function sessionOf(plan: CorpusPlan): string {
  const wallet = new Wallet(derive(plan, 'payer', 0), plan.domain);
  return wallet.session(BigInt(Date.now() + SESSION_MS));
}

async function* framesOf(
  corpus: CorpusFolder,
  stream: number,
  count: number,
): AsyncGenerator<Uint8Array> {
  const size = framesPerSegment(corpus.plan);
  for (let segment = 0; segment * size < count; segment++) {
    const frames = await readSegment(corpus.segmentFile(stream, segment));
    yield* frames.slice(0, count - segment * size);
  }
}
