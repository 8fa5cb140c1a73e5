import { describe, expect, it } from 'vitest';
import type { Round } from './src/crash-run.js';
import { parseCrashOptions } from './src/options.js';
import {
  type CrashReport,
  judgeRun,
  reportJson,
  reportLines,
  reportMarkdown,
  summaryOf,
} from './src/report.js';

const round = (recoveredMs: number, more: Partial<Round> = {}): Round => ({
  point: 'kafka.kill',
  failure: undefined,
  recoveredMs,
  findings: [],
  ...more,
});
const lost = { kind: 'lost', text: 'channel ab: 7 acknowledged, 5 owed' } as const;
const outcome = (rounds: readonly Round[], last: CrashReport['last'] = []): CrashReport => ({
  options: parseCrashOptions(['--points', 'kafka.kill', '--rounds', '3', '--seed', '42']),
  rounds,
  last,
  payments: { sent: 1_000, acked: 990, unanswered: 0 },
  seconds: 12.4,
});

describe('the report of a crash test', () => {
  it('adds the rounds of a point up', () => {
    const rounds = [
      round(3_000),
      round(1_000),
      round(2_000, { findings: [lost, { kind: 'doubled', text: 'x' }] }),
      round(60_000, { failure: 'not recovered', findings: [{ kind: 'chain', text: 'y' }] }),
    ];
    expect(summaryOf('kafka.kill', rounds)).toEqual({
      point: 'kafka.kill',
      kills: 3,
      failed: 1,
      recoveredP50Ms: 2_000,
      recoveredMaxMs: 3_000,
      lost: 1,
      doubled: 1,
      wrong: 1,
    });
  });

  it('passes when every fault bit and nothing was found', () => {
    const good = outcome([round(1_000), round(2_000), round(3_000)]);
    expect(judgeRun(good)).toEqual({ passed: true, reasons: [] });
    expect(reportJson(good)).toMatchObject({
      passed: true,
      kills: 3,
      lost: 0,
      doubled: 0,
      seed: 42,
    });
    expect(reportLines(good).at(-1)).toBe('VERDICT    passed');
    const page = reportMarkdown(good, Date.UTC(2026, 0, 2));
    expect(page).toContain('**Passed: 3 kills, nothing lost, nothing applied twice.**');
    expect(page).toContain('| kafka.kill | 3 | 0 | 2.0 | 3.0 | 0 | 0 | 0 |');
    expect(page).toContain('2026-01-02');
  });

  it.each([
    [
      outcome([round(1_000, { failure: 'it survived SIGKILL' })]),
      /round 1, kafka.kill: it survived/,
    ],
    [outcome([round(1_000, { findings: [lost] })]), /round 1, kafka.kill: lost: channel ab/],
    [outcome([round(1_000)], [lost]), /at the end: lost: channel ab/],
    [
      { ...outcome([round(1_000)]), payments: { sent: 1, acked: 0, unanswered: 0 } },
      /no payment was acknowledged/,
    ],
  ])('fails and says why', (bad, reason) => {
    const { passed, reasons } = judgeRun(bad);
    expect(passed).toBe(false);
    expect(reasons.join('\n')).toMatch(reason);
    expect(reportLines(bad).at(-1)).toBe('VERDICT    FAILED');
    expect(reportMarkdown(bad, 0)).toMatch(reason);
  });
});
