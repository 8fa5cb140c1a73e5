import { expect, test } from 'vitest';

/** The page's modules are plain JavaScript; here they are loaded as the browser does, by path. */
const load = (name: string) => import(new URL(`../public/assets/${name}.js`, import.meta.url).href);
const format = (await load('format')) as Record<string, (...args: unknown[]) => string>;
const { clusterRows, inLedger } = (await load('tables')) as {
  clusterRows: (snapshot: object) => { text: string }[][];
  inLedger: (totals: object) => string;
};
const { sparkPaths } = (await load('sparkline')) as {
  sparkPaths: (series: number[]) => { line: string; area: string };
};

test.each([
  ['formatUnits', ['0'], '0'],
  ['formatUnits', ['1'], '0.000001'],
  ['formatUnits', ['1500000'], '1.5'],
  ['formatUnits', ['-1500000'], '−1.5'],
  ['formatUnits', ['990000000000000000'], '990,000,000,000'],
  ['formatUnits', ['9223372036854775807'], '9,223,372,036,854.775807'],
  ['unitsTitle', ['1500000'], '1,500,000 µBTT'],
  ['formatInteger', [999], '999'],
  ['formatInteger', ['1000'], '1,000'],
  ['formatInteger', ['-1234567'], '-1,234,567'],
  ['formatSun', ['1204509999'], '1,204.50'],
  ['formatDuration', [-5], '0 s'],
  ['formatDuration', [119_999], '119 s'],
  ['formatDuration', [120_000], '2 min'],
  ['formatDuration', [7_200_000], '2 h'],
  ['formatDuration', [172_800_000], '2 d'],
  ['formatAge', ['1000', 61_000], '60 s ago'],
  ['formatBytes', [134_217_728], '128 MiB'],
  ['formatShare', ['1', '3'], '33.3 %'],
  ['formatShare', ['5', '0'], '–'],
  ['shorten', ['TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC'], 'TJRyWwFs…g5tDeC'],
  ['shorten', ['short'], 'short'],
  ['formatAsset', ['TRC20_BTT'], 'BTT (TRC-20)'],
  ['formatAsset', ['asset 9'], 'asset 9'],
] as const)('%s(%j) is %s', (name, args, text) => {
  expect(format[name]?.(...args)).toBe(text);
});

test('the sparkline stays within its box and touches the top at its peak', () => {
  const { line, area } = sparkPaths([0, 5, 10]);
  expect(line).toBe('M0.0,31.0L60.0,16.5L120.0,2.0');
  expect(area).toBe(`${line}L120,32L0,32Z`);
  expect(sparkPaths([0, 0])).toMatchObject({ line: 'M0.0,31.0L120.0,31.0' });
  expect(sparkPaths([])).toEqual({ line: '', area: '' });
});

test('a service that does not answer is shown as such, with the reason', () => {
  const failed = { state: 'failed', value: null, atMs: null, failure: 'ECONNREFUSED' };
  const rows = clusterRows({
    atMs: 1,
    services: { ingest: failed },
    postgres: failed,
    logEnds: failed,
  });
  expect(rows.map((row) => row.slice(0, 3).map(({ text }) => text))).toEqual([
    ['ingest', 'no answer', 'ECONNREFUSED'],
    ['Postgres', 'no answer', 'ECONNREFUSED'],
    ['Kafka', 'no answer', 'ECONNREFUSED'],
  ]);
});

test('what the ledger owes is the sum of all places', () => {
  const totals = {
    availableUnits: '9007199254740993',
    inChannelsUnits: '2',
    heldUnits: '3',
    withdrawingUnits: '4',
    feesUnits: '5',
    suspenseUnits: '6',
  };
  expect(inLedger(totals)).toBe('9007199254741013');
});
