import { describe, expect, it } from 'vitest';
import type { PhaseResult } from '../../../load-tests/src/bench/generator/messages.js';
import type { Measurement } from '../../../load-tests/src/bench/measure/meter.js';
import { planFor } from '../../../load-tests/src/bench/plans.js';
import { svgOf } from '../../../load-tests/src/bench/report/chart.js';
import { withSection } from '../../../load-tests/src/bench/report/document.js';
import { charts, scaleSection } from '../../../load-tests/src/bench/report/scale-section.js';
import { faultsOf, figuresOf } from '../../../load-tests/src/bench/report/summary.js';
import {
  count,
  limitCells,
  markdownTable,
  oneLine,
  runCells,
  textTable,
} from '../../../load-tests/src/bench/report/table.js';
import { type RunResult, unsustained } from '../../../load-tests/src/bench/workload-run.js';
import { WORKLOADS } from '../../../load-tests/src/bench/workloads.js';

const phase: PhaseResult = {
  name: 'top',
  startMs: 0,
  endMs: 60_000,
  sent: 100,
  acked: 100,
  refused: {},
  ackedInTime: 100,
  latency: new Float64Array(1),
  behindSeconds: 0,
  gaveUp: false,
  exhausted: false,
  framesSent: [1, 1],
  cpuSeconds: 1,
  timesFile: '',
};

function measurement(parts: Partial<Measurement> = {}): Measurement {
  return {
    phase,
    askedPerSecond: 17_000,
    ackedPerSecond: 16_800,
    appliedPerSecond: 16_700,
    ack: { p50: 5, p99: 30, p999: 60 },
    visible: { p50: 120, p99: 400, p999: 500 },
    neverVisible: 0,
    costs: {
      cpuSecondsPerMillion: { ingest: 70.5, 'ingest-2': 10, balance: 20, kafka: 3, postgres: 15 },
      walBytes: 210,
      fsyncs: 0.0011,
      transactions: 0.002,
      kafkaBytes: 98.2,
    },
    memoryBytes: [
      { ingest: 190 * 2 ** 20, balance: 140 * 2 ** 20 },
      { ingest: 200 * 2 ** 20, balance: 150 * 2 ** 20 },
    ],
    ...parts,
  };
}

function run(parts: Partial<RunResult> = {}): RunResult {
  const reconciliation = {
    sent: 10,
    acked: 9,
    refused: 1,
    unanswered: 0,
    lostAcks: 0,
    invented: 0,
    complaints: [],
  };
  return {
    name: 'unique',
    plan: planFor('unique', 60, 0),
    openSeconds: 1,
    rawVerify: { before: 22_000, after: 19_000 },
    top: measurement(),
    half: measurement({ ack: { p50: 3, p99: 11.26, p999: 20 } }),
    sustained: true,
    reconciliation,
    conserved: true,
    difference: undefined,
    ...parts,
  };
}

const raw = { verifyPerSecond: 20_000.4, sha256PerSecond: 1_000_000 };
const postgres = { upsertsPerSecond: 90_000, naivePerSecond: 1_500 };

describe('figures', () => {
  it('have exactly the published names, and take the lower of acknowledged and applied', () => {
    const runs = Object.fromEntries(WORKLOADS.map((name) => [name, run({ name })]));
    expect(figuresOf({ raw, postgres, runs })).toEqual({
      rawVerifyPerSecond: 20_500,
      rawSha256PerSecond: 1_000_000,
      naivePerSecond: 1_500,
      uniquePerSecond: 16_700,
      uniqueToRaw: 0.815,
      compactedPerSecond: 16_700,
      ticksPerSecond: 16_700,
      bundledPerSecond: 16_700,
      ticksToNaive: 11.133,
      uniqueToNaive: 11.133,
      ackP99MsHalfLoad: 11.3,
      visibleP99Ms: 400,
      lostAcks: 0,
      conserved: true,
    });
  });

  it('are null for what was not measured, and the worst of what was', () => {
    const slow = run({ top: measurement({ visible: { p50: 1, p99: 900, p999: 900 } }) });
    const broken = run({
      conserved: false,
      reconciliation: { ...run().reconciliation, lostAcks: 3 },
    });
    const figures = figuresOf({ raw, postgres, runs: { ticks: slow, bundles: broken } });
    expect(figures).toMatchObject({
      uniquePerSecond: null,
      uniqueToRaw: null,
      uniqueToNaive: null,
    });
    expect(figures).toMatchObject({ visibleP99Ms: 900, lostAcks: 3, conserved: false });
    expect(figuresOf({ raw, postgres, runs: {} })).toMatchObject({
      lostAcks: null,
      conserved: null,
    });
  });
});

describe('faults', () => {
  it('are none in a good run, however slow', () => {
    expect(faultsOf([run({ sustained: false })])).toEqual([]);
  });

  it('name what is wrong', () => {
    const reconciliation = {
      sent: 10,
      acked: 8,
      refused: 0,
      unanswered: 1,
      lostAcks: 2,
      invented: 4,
      complaints: ['channel 3 owes 1'],
    };
    const top = measurement({ neverVisible: 5 });
    const faults = faultsOf([
      run({ reconciliation, top, conserved: false, difference: 'reserve: off by 1' }),
    ]);
    expect(faults.map((fault) => fault.replace('unique: ', ''))).toEqual([
      '2 acknowledged payments are not in the ledger',
      'the ledger owes 4 units that nobody signed',
      '1 payments were never answered',
      'sent 10 is not acked 8 + refused 0',
      '5 acknowledged payments never became visible',
      'the books do not balance: reserve: off by 1',
      'channel 3 owes 1',
    ]);
  });
});

describe('a rate', () => {
  it('is sustained without lag, refusal or backlog', () => {
    expect(unsustained(measurement())).toEqual([]);
  });

  it.each<[string, Partial<PhaseResult>]>([
    ['fell behind hopelessly', { gaveUp: true }],
    ['the corpus ended early', { exhausted: true }],
    ['refused 7 OVERLOADED', { refused: { OVERLOADED: 7 } }],
    ['refused 8 OVERLOADED', { refused: { OVERLOADED: 8 }, gaveUp: true }],
    ['1.5 s behind', { behindSeconds: 1.5 }],
  ])('is not when it %s', (reason, parts) => {
    expect(unsustained(measurement({ phase: { ...phase, ...parts } }))).toEqual([reason]);
  });

  it('is not when balance does not keep up', () => {
    expect(unsustained(measurement({ appliedPerSecond: 16_000 }))).toEqual([
      'balance 2.9 s behind the acknowledgements',
    ]);
  });
});

describe('tables', () => {
  it('align their cells, and are Markdown for the document', () => {
    const text = textTable(runCells([run(), run({ name: 'ticks' })]));
    const lines = text.split('\n');
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(text).toMatch(/CPU s per million: ingest +80\.50 +80\.50/);
    expect(text).toMatch(/ack p50 \/ p99 \/ p99\.9 ms +5\.0 \/ 30 \/ 60/);
    const markdown = markdownTable(limitCells({ raw, postgres, runs: { unique: run() } }));
    expect(markdown).toContain('| this machine |  |\n| --- | ---: |\n');
    expect(markdown).toContain('| unique to one core of verification | 0.81 |');
    expect(markdown).not.toContain('ticks to naive');
    expect([0, 999, 1_000, 1_234_567.8].map(count)).toEqual(['0', '999', '1 000', '1 234 568']);
  });
});

it('tells memory at the start of a run and after each quarter, so that growth shows', () => {
  const row = runCells([run()]).find(([title]) => title === 'memory MiB by quarters: ingest');
  expect(row).toEqual(['memory MiB by quarters: ingest', '190 200']);
});

it('says the most important of a run in one line', () => {
  expect(oneLine(run())).toBe(
    '16 800/s acknowledged; 16 700/s applied; ack p99 30 ms, at half the rate 11 ms; visible p99 400 ms; 0 lost',
  );
});

describe('the document', () => {
  it('keeps what is outside the marks', () => {
    const text = 'a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nb';
    const once = withSection(text, 'bench', 'new\n');
    expect(once).toBe('a\n<!-- bench:begin -->\n\nnew\n\n<!-- bench:end -->\nb');
    expect(withSection(once, 'bench', 'new')).toBe(once);
    expect(() => withSection(text, 'scale', '')).toThrow('<!-- scale:begin -->');
  });

  it('shows growth as tables and curves', () => {
    const points = [1, 2].map((size) => ({ size, run: run() }));
    const curves = { replicas: points, partitions: points, channels: points, journal: points };
    const result = { curves, restartSeconds: 4.2, servers: 'postgres (local)' };
    const section = scaleSection(result, ['2 cores'], 15);
    expect(section).toContain('| 2 | 16 800 | 16 700 | 0.81 | 11.3 | 400 | 200 | 150 | 0 |');
    expect(section).toContain('(performance-channels.svg)');
    expect(section).toContain('ready again after 4.2 s');
    expect(charts(result).map(([file]) => file)).toHaveLength(4);
  });

  it('draws every point within the picture', () => {
    const svg = svgOf({
      title: 'a < b',
      xTitle: 'x',
      yTitle: 'y',
      logarithmic: true,
      curves: [
        {
          name: 'one',
          points: [
            [1_000, 10],
            [1_000_000, 20_000],
          ],
        },
      ],
    });
    expect(svg).toContain('a &lt; b');
    const places = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect(places).toHaveLength(2);
    for (const [x = -1, y = -1] of places) {
      expect(x).toBeGreaterThanOrEqual(80);
      expect(x).toBeLessThanOrEqual(620);
      expect(y).toBeGreaterThanOrEqual(40);
      expect(y).toBeLessThanOrEqual(310);
    }
  });
});
