import type { RunResult } from '../workload-run.js';
import { type BenchResult, figuresOf } from './summary.js';

/** A table of text cells; the first row is its head. */
export type Cells = readonly (readonly string[])[];

/** What of a run is told, row by row. */
const ROWS: readonly [string, (run: RunResult) => string][] = [
  ['acknowledged /s', ({ top }) => count(top.ackedPerSecond)],
  ['applied /s', ({ top }) => count(top.appliedPerSecond)],
  ['sustained', ({ sustained, top }) => `${sustained ? 'yes' : 'NO'}, ${seconds(top.phase)} s`],
  [
    'verifications /s, one core: before, after',
    ({ rawVerify }) => `${count(rawVerify.before)}, ${count(rawVerify.after)}`,
  ],
  ['open channels', ({ plan }) => count(plan.channels)],
  ['ack p50 / p99 / p99.9 ms', ({ top }) => percentiles(top.ack)],
  ['the same at half the rate', ({ half }) => percentiles(half.ack)],
  ['ack to visible p50 / p99 ms', ({ top }) => `${ms(top.visible.p50)} / ${ms(top.visible.p99)}`],
  ['CPU s per million: ingest', ({ top }) => cpu(top.costs.cpuSecondsPerMillion, 'ingest')],
  ['… balance', ({ top }) => cpu(top.costs.cpuSecondsPerMillion, 'balance')],
  ['… Kafka', ({ top }) => cpu(top.costs.cpuSecondsPerMillion, 'kafka')],
  ['… Postgres', ({ top }) => cpu(top.costs.cpuSecondsPerMillion, 'postgres')],
  ['… generator', ({ top }) => cpu(top.costs.cpuSecondsPerMillion, 'generator')],
  ['WAL bytes a payment', ({ top }) => top.costs.walBytes.toFixed(1)],
  ['log bytes a payment', ({ top }) => top.costs.kafkaBytes?.toFixed(1) ?? 'not ours'],
  ['fsyncs per 1000', ({ top }) => (1_000 * top.costs.fsyncs).toFixed(2)],
  ['transactions per 1000', ({ top }) => (1_000 * top.costs.transactions).toFixed(2)],
  ['memory MiB by quarters: ingest', ({ top }) => mebibytes(top.memoryBytes, 'ingest')],
  ['… balance', ({ top }) => mebibytes(top.memoryBytes, 'balance')],
  ['sent', ({ reconciliation }) => count(reconciliation.sent)],
  ['acked + refused', ({ reconciliation: r }) => `${count(r.acked)} + ${count(r.refused)}`],
  ['lost / unanswered', ({ reconciliation: r }) => `${r.lostAcks} / ${r.unanswered}`],
  ['conserved', ({ conserved }) => (conserved ? 'yes' : 'NO')],
];

/** The most important of a run in one line. */
export function oneLine({ top, half, reconciliation }: RunResult): string {
  return [
    `${count(top.ackedPerSecond)}/s acknowledged`,
    `${count(top.appliedPerSecond)}/s applied`,
    `ack p99 ${ms(top.ack.p99)} ms, at half the rate ${ms(half.ack.p99)} ms`,
    `visible p99 ${ms(top.visible.p99)} ms`,
    `${reconciliation.lostAcks} lost`,
  ].join('; ');
}

/** One column for each workload. */
export function runCells(runs: readonly RunResult[]): Cells {
  return [
    ['', ...runs.map(({ name }) => name)],
    ...ROWS.map(([title, of]) => [title, ...runs.map(of)]),
  ];
}

/** The limits of the machine and what the ledger reaches of them. */
export function limitCells(result: BenchResult): Cells {
  const figures = figuresOf(result);
  const rows: [string, string | undefined][] = [
    ['verifications /s, one core', count(figures.rawVerifyPerSecond)],
    ['SHA-256 /s, one core', count(result.raw.sha256PerSecond)],
    ['Postgres upserts /s, 5 000 a transaction', count(result.postgres.upsertsPerSecond)],
    ['naive payments /s, one transaction each', count(result.postgres.naivePerSecond)],
    ['unique to one core of verification', figures.uniqueToRaw?.toFixed(2)],
    ['unique to naive', figures.uniqueToNaive?.toFixed(1)],
    ['ticks to naive', figures.ticksToNaive?.toFixed(1)],
  ];
  return [
    ['this machine', ''],
    ...rows.flatMap(([title, value]) => (value === undefined ? [] : [[title, value]])),
  ];
}

/** Cells as aligned text. */
export function textTable(cells: Cells): string {
  const widths = (cells[0] ?? []).map((_, at) =>
    Math.max(...cells.map((row) => (row[at] ?? '').length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

/** Cells as a Markdown table. */
export function markdownTable(cells: Cells): string {
  const [head = [], ...rows] = cells;
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** A whole number with its thousands apart. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const percentiles = (p: { p50: number; p99: number; p999: number }) =>
  `${ms(p.p50)} / ${ms(p.p99)} / ${ms(p.p999)}`;
const seconds = ({ startMs, endMs }: { startMs: number; endMs: number }) =>
  ((endMs - startMs) / 1_000).toFixed(0);

// All replicas of a service together.
function sumOf(values: Readonly<Record<string, number>>, service: string): number | undefined {
  const own = Object.entries(values).filter(
    ([name]) => name === service || name.startsWith(`${service}-`),
  );
  return own.length === 0 ? undefined : own.reduce((sum, [, value]) => sum + value, 0);
}
const cpu = (values: Readonly<Record<string, number>>, name: string) =>
  sumOf(values, name)?.toFixed(2) ?? 'not ours';
const mebibytes = (readings: readonly Readonly<Record<string, number>>[], name: string) =>
  readings
    .map((values) => {
      const bytes = sumOf(values, name);
      return bytes === undefined ? 'unknown' : count(bytes / 1024 / 1024);
    })
    .join(' ');
