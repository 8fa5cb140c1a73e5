import { GROWTHS, type Growth } from '../growths.js';
import type { Point, ScaleResult } from '../scale.js';
import { type Chart, svgOf } from './chart.js';
import { rawVerifyOf } from './summary.js';
import { type Cells, count, markdownTable } from './table.js';

const TITLES: Readonly<Record<Growth, { what: string; logarithmic: boolean }>> = {
  replicas: { what: 'ingest replicas', logarithmic: false },
  partitions: { what: 'partitions in use', logarithmic: false },
  channels: { what: 'open channels', logarithmic: true },
  journal: { what: 'journal rows before the run', logarithmic: true },
};

/** File name of a curve's chart. */
export function chartFile(growth: Growth): string {
  return `performance-${growth}.svg`;
}

/** The charts of all curves, by file name. */
export function charts(result: ScaleResult): [string, string][] {
  return measured(result).map(([growth, points]) => [
    chartFile(growth),
    svgOf(chartOf(growth, points)),
  ]);
}

function measured({ curves }: ScaleResult): [Growth, readonly Point[]][] {
  return GROWTHS.flatMap((growth): [Growth, readonly Point[]][] => {
    const points = curves[growth];
    return points === undefined ? [] : [[growth, points]];
  });
}

/** The part of docs/performance.md about growth. */
export function scaleSection(
  result: ScaleResult,
  told: readonly string[],
  seconds: number,
): string {
  const parts = measured(result).flatMap(([growth, points]) => [
    `### By ${TITLES[growth].what}`,
    markdownTable(cellsOf(growth, points)),
    `![Unique vouchers a second by ${TITLES[growth].what}](${chartFile(growth)})`,
  ]);
  return [
    `Unique vouchers, ${seconds} s a point after 12 s of warm-up.`,
    told.map((line) => `- ${line}`).join('\n'),
    ...parts,
    ...(result.restartSeconds === undefined
      ? []
      : [
          `Balance, killed with the longest journal in the books, was ready again after ${result.restartSeconds.toFixed(1)} s.`,
        ]),
  ].join('\n\n');
}

function cellsOf(growth: Growth, points: readonly Point[]): Cells {
  const memory = (run: Point['run'], name: string) =>
    count((run.top.memoryBytes.at(-1)?.[name] ?? 0) / 2 ** 20);
  return [
    [
      TITLES[growth].what,
      'acknowledged /s',
      'applied /s',
      'to one core of verification',
      'ack p99 ms at half',
      'visible p99 ms',
      'ingest MiB',
      'balance MiB',
      'lost',
    ],
    ...points.map(({ size, run }) => [
      count(size),
      count(run.top.ackedPerSecond),
      count(run.top.appliedPerSecond),
      (run.top.appliedPerSecond / (rawVerifyOf(run) ?? Number.NaN)).toFixed(2),
      run.half.ack.p99.toFixed(1),
      count(run.top.visible.p99),
      memory(run, 'ingest'),
      memory(run, 'balance'),
      String(run.reconciliation.lostAcks),
    ]),
  ];
}

function chartOf(growth: Growth, points: readonly Point[]): Chart {
  const { what, logarithmic } = TITLES[growth];
  return {
    title: `Unique vouchers a second by ${what}`,
    xTitle: what,
    yTitle: 'vouchers a second',
    logarithmic,
    curves: [
      {
        name: 'acknowledged',
        points: points.map(({ size, run }) => [size, run.top.ackedPerSecond]),
      },
      { name: 'applied', points: points.map(({ size, run }) => [size, run.top.appliedPerSecond]) },
    ],
  };
}
