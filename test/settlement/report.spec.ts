import { describe, expect, it } from 'vitest';
import { parseSettlementOptions } from './src/options.js';
import { judgeRun, reportJson, reportLines, reportMarkdown, summaryOf } from './src/report.js';
import type { Round, SettlementOutcome } from './src/settlement-run.js';

const FAULT = 'settlement.after-plan';
const round = (restedMs: number, more: Partial<Round> = {}): Round => ({
  fault: FAULT,
  failure: undefined,
  restedMs,
  findings: [],
  ...more,
});
const twice = { kind: 'doubled', text: 'withdrawal ab: 2 payments' } as const;
const outcome = (rounds: readonly Round[]): SettlementOutcome => ({
  options: parseSettlementOptions(['--faults', FAULT, '--rounds', '3', '--seed', '42']),
  rounds,
  withdrawals: 9,
  deposits: 6,
  seconds: 12.4,
});

describe('the report of a settlement test', () => {
  it('adds the rounds of a fault up', () => {
    const rounds = [
      round(3_000),
      round(1_000),
      round(2_000, { findings: [twice, { kind: 'lost', text: 'x' }] }),
      round(60_000, { failure: 'it did not bite', findings: [{ kind: 'books', text: 'y' }] }),
    ];
    expect(summaryOf(FAULT, 'T3', rounds)).toEqual({
      fault: FAULT,
      plan: 'T3',
      times: 3,
      failed: 1,
      restedP50Ms: 2_000,
      restedMaxMs: 3_000,
      doubled: 1,
      lost: 1,
      wrong: 1,
    });
  });

  it('passes when every fault bit and nothing was found', () => {
    const good = outcome([round(1_000), round(2_000), round(3_000)]);
    expect(judgeRun(good)).toEqual({ passed: true, reasons: [] });
    expect(reportJson(good)).toMatchObject({ passed: true, rounds: 3, doubled: 0, seed: 42 });
    expect(reportLines(good).at(-1)).toBe('VERDICT    passed');
    const page = reportMarkdown(good, Date.UTC(2026, 0, 2));
    expect(page).toContain('**Passed: 3 kills and lies; nobody paid twice');
    expect(page).toContain(`| ${FAULT} | T3 | 3 | 0 | 2.0 | 3.0 | 0 | 0 | 0 |`);
    expect(page).toContain('2026-01-02');
  });

  it.each([
    [outcome([round(1_000, { failure: 'no pass' })]), /round 1, settlement.after-plan: no pass/],
    [outcome([round(1_000, { findings: [twice] })]), /doubled: withdrawal ab/],
    [outcome([]), /no round/],
  ])('fails and says why', (bad, reason) => {
    expect(judgeRun(bad).passed).toBe(false);
    expect(judgeRun(bad).reasons.join('\n')).toMatch(reason);
    expect(reportLines(bad).at(-1)).toBe('VERDICT    FAILED');
    expect(reportMarkdown(bad, 0)).toMatch(reason);
  });
});
