import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchStack } from '../bench-stack.js';
import { readAckTimes } from '../generator/ack-log.js';
import type { GeneratorProcess } from '../generator/generator-process.js';
import { Histogram } from '../generator/histogram.js';
import type { PhaseResult } from '../generator/messages.js';
import { voucherLogBytes } from './kafka-log.js';
import type { LedgerWatchRepository, PostgresCounters } from './ledger-watch.repository.js';
import { LedgerWatcher } from './ledger-watcher.js';
import { type Usage, usageOf } from './processes.js';
import { visibility } from './timeline.js';

/** Percentiles in milliseconds. */
export type Percentiles = { readonly p50: number; readonly p99: number; readonly p999: number };

/** What one payment costs. */
export type Costs = {
  /** CPU seconds per million payments by process. */
  readonly cpuSecondsPerMillion: Readonly<Record<string, number>>;
  readonly walBytes: number;
  readonly fsyncs: number;
  readonly transactions: number;
  /** Undefined when the broker is not one of ours. */
  readonly kafkaBytes: number | undefined;
};

/** One measured phase. */
export type Measurement = {
  readonly phase: PhaseResult;
  readonly askedPerSecond: number;
  readonly ackedPerSecond: number;
  readonly appliedPerSecond: number;
  readonly ack: Percentiles;
  readonly visible: Percentiles;
  /** Acknowledged payments that were never seen applied. */
  readonly neverVisible: number;
  readonly costs: Costs;
  /** By process, at the start of the measurement and after each quarter of it. */
  readonly memoryBytes: readonly Readonly<Record<string, number>>[];
};

type Reading = {
  readonly usage: Record<string, Usage>;
  readonly postgres: Promise<PostgresCounters>;
  readonly kafkaBytes: number | undefined;
};

const QUARTERS = [1, 2, 3, 4] as const;
const SEEN_MS = 30_000;
const SEEN_EVERY_MS = 250;

/** Measures phases of a generator from outside the system. */
export class Meter {
  constructor(
    private readonly stack: BenchStack,
    private readonly watch: LedgerWatchRepository,
    private readonly generator: GeneratorProcess,
  ) {}

  /** Runs an open-loop phase under observation; `drain` waits until all of it is applied. */
  async measure(
    name: string,
    rate: { readonly itemsPerSecond: number; readonly untilRefused: boolean },
    seconds: number,
    drain: (phase: PhaseResult) => Promise<void>,
  ): Promise<Measurement> {
    const watcher = new LedgerWatcher(this.watch);
    const readings: Reading[] = [];
    const timers: NodeJS.Timeout[] = [];
    const onStarted = () => {
      readings.push(this.#read());
      for (const quarter of QUARTERS) {
        timers.push(setTimeout(() => readings.push(this.#read()), quarter * seconds * 250));
      }
    };
    try {
      const mode = { kind: 'rate', ...rate } as const;
      const phase = await this.generator.phase({ name, mode, seconds }, onStarted);
      if (readings.length < 2) readings.push(this.#read());
      await drain(phase);
      await this.#untilSeen(phase, watcher);
      await watcher.stop();
      return await this.#result(phase, rate.itemsPerSecond, watcher, readings);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      await watcher.stop();
    }
  }

  // What is applied says little about what was acknowledged: a voucher pays what a refused one before it would have paid.
  async #untilSeen({ timesFile }: PhaseResult, { offsets }: LedgerWatcher): Promise<void> {
    const untilMs = performance.now() + SEEN_MS;
    while (visibility(readAckTimes(timesFile), offsets).missing > 0) {
      if (performance.now() > untilMs) return;
      await sleep(SEEN_EVERY_MS);
    }
  }

  #read(): Reading {
    const { stack } = this;
    return {
      usage: usageOf({ ...stack.pids, generator: this.generator.pid }),
      postgres: this.watch.counters(),
      kafkaBytes: voucherLogBytes(stack.kafkaFolder),
    };
  }

  async #result(
    phase: PhaseResult,
    askedPerSecond: number,
    watcher: LedgerWatcher,
    readings: readonly Reading[],
  ): Promise<Measurement> {
    const [first, last] = [readings[0], readings.at(-1)];
    if (first === undefined || last === undefined) throw new Error('a phase was not read twice');
    const seconds = (phase.endMs - phase.startMs) / 1_000;
    const applied = watcher.appliedAt(phase.endMs) - watcher.appliedAt(phase.startMs);
    const seen = visibility(readAckTimes(phase.timesFile), watcher.offsets);
    return {
      phase,
      askedPerSecond,
      ackedPerSecond: phase.ackedInTime / seconds,
      appliedPerSecond: applied / seconds,
      ack: percentilesOf(new Histogram(phase.latency)),
      visible: percentilesOf(seen.histogram),
      neverVisible: seen.missing,
      costs: costsOf(phase.ackedInTime, first, last, await first.postgres, await last.postgres),
      memoryBytes: readings.map(({ usage }) =>
        Object.fromEntries(
          Object.entries(usage).map(([name, { memoryBytes }]) => [name, memoryBytes]),
        ),
      ),
    };
  }
}

function percentilesOf(histogram: Histogram): Percentiles {
  return { p50: histogram.at(0.5), p99: histogram.at(0.99), p999: histogram.at(0.999) };
}

function costsOf(
  payments: number,
  first: Reading,
  last: Reading,
  before: PostgresCounters,
  after: PostgresCounters,
): Costs {
  const cpu = Object.entries(last.usage).map(([name, { cpuSeconds }]) => {
    const spent = cpuSeconds - (first.usage[name]?.cpuSeconds ?? 0);
    return [name, (spent * 1e6) / payments] as const;
  });
  return {
    cpuSecondsPerMillion: Object.fromEntries(cpu),
    walBytes: (after.walBytes - before.walBytes) / payments,
    fsyncs: (after.fsyncs - before.fsyncs) / payments,
    transactions: (after.transactions - before.transactions) / payments,
    kafkaBytes:
      last.kafkaBytes === undefined
        ? undefined
        : (last.kafkaBytes - (first.kafkaBytes ?? 0)) / payments,
  };
}
