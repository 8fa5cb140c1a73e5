import { describe, expect, it } from 'vitest';
import { parseLoadOptions } from '../../load-tests/src/options.js';
import {
  judgeRun,
  type Outcome,
  reportJson,
  reportLines,
  verdictLine,
} from '../../load-tests/src/report.js';

const good: Outcome = {
  scenario: 'unary',
  options: parseLoadOptions(['--smoke']),
  engine: 'k6',
  summary: {
    metrics: {
      vouchers_accepted: { values: { count: 90 } },
      vouchers_superseded: { values: { count: 10 } },
      vouchers_wrong: { values: { count: 0 }, thresholds: { 'count==0': { ok: true } } },
      batch_duration: { values: { med: 3, 'p(95)': 5, 'p(99)': 8, max: 9 } },
    },
  },
  log: { channels: new Map(), answered: 2, ackedVouchers: 100, complaints: [] },
  books: { lost: [], invented: [], ackedUnits: 100n, ledgerUnits: 100n },
  drainMs: 40,
  conserved: true,
  firstDifference: '',
};
const verdict = (change: Partial<Outcome>) => judgeRun({ ...good, ...change });

describe('judgeRun', () => {
  it('passes when everything holds', () => {
    expect(judgeRun(good)).toEqual({ passed: true, reasons: [] });
    expect(reportLines(good).at(-1)).toContain('passed');
  });

  it.each<[string, Partial<Outcome>, RegExp]>([
    [
      'a lost voucher',
      { books: { ...good.books, lost: ['a owes 1, acknowledged 2'] } },
      /^lost: channel a/,
    ],
    [
      'invented money',
      { books: { ...good.books, invented: ['b owes 3, sent 2'] } },
      /^invented: channel b/,
    ],
    [
      'books that do not add up',
      { conserved: false, firstDifference: 'fees' },
      /does not add up: fees/,
    ],
    [
      'a log that differs from the counters',
      { log: { ...good.log, ackedVouchers: 99 } },
      /counted 100 .* has 99/,
    ],
    [
      'a threshold that does not hold',
      {
        summary: {
          metrics: {
            ...good.summary.metrics,
            vouchers_wrong: { values: { count: 1 }, thresholds: { 'count==0': { ok: false } } },
          },
        },
      },
      /vouchers_wrong count==0 does not hold: 1/,
    ],
    [
      'a run in which nothing was acknowledged',
      { summary: { metrics: {} }, log: { ...good.log, ackedVouchers: 0 } },
      /no voucher was acknowledged/,
    ],
  ])('fails for %s and says so', (_name, change, reason) => {
    const { passed, reasons } = verdict(change);
    expect(passed).toBe(false);
    expect(reasons[0]).toMatch(reason);
    expect(reportLines({ ...good, ...change }).at(-1)).toContain('FAILED');
  });

  it('gives one verdict over all scenarios, with what is wrong in which', () => {
    const other: Outcome = { ...good, scenario: 'hot-payer' };
    expect(verdictLine([good, other])).toBe('PASS unary, hot-payer');
    const bad = { ...other, conserved: false, firstDifference: 'fees' };
    expect(verdictLine([good, bad])).toBe('FAIL hot-payer: the ledger does not add up: fees');
  });

  it('says that the stand-in gives no k6 figure', () => {
    expect(reportLines({ ...good, engine: 'node' })[1]).toContain('not a k6 figure');
  });

  it('gives amounts as text in JSON', () => {
    expect(JSON.parse(JSON.stringify(reportJson(good)))).toMatchObject({
      passed: true,
      vouchersAccepted: 90,
      ackedUnits: '100',
      batchP99Ms: 8,
    });
  });
});
