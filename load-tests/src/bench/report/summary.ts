import type { PostgresLimits } from '../measure/naive.repository.js';
import type { RawLimits } from '../measure/raw-limits.js';
import type { RunResult } from '../workload-run.js';
import type { WorkloadName } from '../workloads.js';

/** Everything a run measured. */
export type BenchResult = {
  readonly raw: RawLimits;
  readonly postgres: PostgresLimits;
  readonly runs: Readonly<Partial<Record<WorkloadName, RunResult>>>;
};

/** The figures of a run under the names that they are published by; null where nothing was measured. */
export type BenchFigures = {
  readonly rawVerifyPerSecond: number;
  readonly rawSha256PerSecond: number;
  readonly naivePerSecond: number;
  readonly uniquePerSecond: number | null;
  readonly uniqueToRaw: number | null;
  readonly compactedPerSecond: number | null;
  readonly ticksPerSecond: number | null;
  readonly bundledPerSecond: number | null;
  readonly ticksToNaive: number | null;
  readonly uniqueToNaive: number | null;
  readonly ackP99MsHalfLoad: number | null;
  readonly visibleP99Ms: number | null;
  readonly lostAcks: number | null;
  readonly conserved: boolean | null;
};

/**
 * The figures of a result. A rate is that at which payments were both acknowledged and applied: the
 * lower of the two. Latencies are those of the slowest workload.
 */
export function figuresOf({ raw, postgres, runs }: BenchResult): BenchFigures {
  const rate = (name: WorkloadName) => {
    const run = runs[name];
    return run === undefined ? null : Math.min(run.top.ackedPerSecond, run.top.appliedPerSecond);
  };
  const all = Object.values(runs);
  const worst = (of: (run: RunResult) => number) =>
    all.length === 0 ? null : round(Math.max(...all.map(of)), 1);
  const ratio = (value: number | null, to: number) =>
    value === null ? null : round(value / to, 3);
  const whole = (value: number | null) => (value === null ? null : Math.round(value));
  const [unique, ticks] = [rate('unique'), rate('ticks')];
  const rawVerify = rawVerifyOf(runs.unique) ?? raw.verifyPerSecond;
  return {
    rawVerifyPerSecond: Math.round(rawVerify),
    rawSha256PerSecond: Math.round(raw.sha256PerSecond),
    naivePerSecond: Math.round(postgres.naivePerSecond),
    uniquePerSecond: whole(unique),
    uniqueToRaw: ratio(unique, rawVerify),
    compactedPerSecond: whole(rate('compacted')),
    ticksPerSecond: whole(ticks),
    bundledPerSecond: whole(rate('bundles')),
    ticksToNaive: ratio(ticks, postgres.naivePerSecond),
    uniqueToNaive: ratio(unique, postgres.naivePerSecond),
    ackP99MsHalfLoad: worst((run) => run.half.ack.p99),
    visibleP99Ms: worst((run) => run.top.visible.p99),
    lostAcks:
      all.length === 0 ? null : all.reduce((sum, run) => sum + run.reconciliation.lostAcks, 0),
    conserved: all.length === 0 ? null : all.every((run) => run.conserved),
  };
}

/** What one core verified a second around a run: a shared machine is not as fast in one minute as in the next. */
export function rawVerifyOf(run: RunResult | undefined): number | undefined {
  return run && (run.rawVerify.before + run.rawVerify.after) / 2;
}

/** What is wrong with a run, a sentence each; a slow run is not wrong. */
export function faultsOf(runs: readonly RunResult[]): string[] {
  return runs.flatMap(({ name, reconciliation, conserved, difference, top, half }) => {
    const { lostAcks, invented, unanswered, sent, acked, refused, complaints } = reconciliation;
    const invisible = top.neverVisible + half.neverVisible;
    return [
      ...(lostAcks > 0 ? [`${name}: ${lostAcks} acknowledged payments are not in the ledger`] : []),
      ...(invented > 0 ? [`${name}: the ledger owes ${invented} units that nobody signed`] : []),
      ...(unanswered > 0 ? [`${name}: ${unanswered} payments were never answered`] : []),
      ...(sent === acked + refused + unanswered
        ? []
        : [`${name}: sent ${sent} is not acked ${acked} + refused ${refused}`]),
      ...(invisible > 0
        ? [`${name}: ${invisible} acknowledged payments never became visible`]
        : []),
      ...(conserved ? [] : [`${name}: the books do not balance: ${difference}`]),
      ...complaints.map((line) => `${name}: ${line}`),
    ];
  });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
