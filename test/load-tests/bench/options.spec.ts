import { describe, expect, it } from 'vitest';
import { assertPlan } from '../../../load-tests/src/bench/corpus/plan.js';
import { HELP, parseBenchOptions, UsageError } from '../../../load-tests/src/bench/options.js';
import { describePlan, planFor } from '../../../load-tests/src/bench/plans.js';
import { barText } from '../../../load-tests/src/bench/progress.js';
import { WORKLOADS } from '../../../load-tests/src/bench/workloads.js';

describe('parseBenchOptions', () => {
  it('measures every workload for a minute, and growth for less', () => {
    expect(parseBenchOptions([])).toMatchObject({
      only: WORKLOADS,
      seconds: 60,
      scale: false,
      document: false,
    });
    expect(parseBenchOptions(['--scale'])).toMatchObject({ seconds: 15, document: true });
    expect(
      parseBenchOptions(['--only', 'ticks,unique', '--rate', '5000', '--seconds', '90']),
    ).toMatchObject({
      only: ['ticks', 'unique'],
      itemsPerSecond: 5_000,
      seconds: 90,
    });
  });

  it('reports every mistake at once', () => {
    const run = () =>
      parseBenchOptions(['--only', 'unique,all', '--seconds', '0', '--choice', 'random']);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(/--only .*"all"\n--choice .*"random"\n--seconds .*"0"/);
    expect(parseBenchOptions(['--scale', '--curves', 'journal']).curves).toEqual(['journal']);
    expect(() => parseBenchOptions(['--scale', '--curves', 'time'])).toThrow(
      '--curves must name replicas',
    );
    expect(() => parseBenchOptions(['--scale', '--rate', '5'])).toThrow('--scale chooses');
    expect(() => parseBenchOptions(['--fast'])).toThrow(/--fast/);
  });

  it('explains every option', () => {
    for (const name of 'only seconds rate channels choice scale curves document data json help'.split(
      ' ',
    )) {
      expect(HELP).toContain(`--${name}`);
    }
  });
});

describe('planFor', () => {
  it.each(WORKLOADS)('gives %s a plan that holds, with any number of channels', (name) => {
    for (const channels of [undefined, 1, 1_000, 99_999, 1_000_000]) {
      for (const partitions of [1, 3, 8]) {
        const plan = planFor(name, 60, Date.now(), { channels, partitions });
        expect(() => assertPlan(plan)).not.toThrow();
        expect(plan.channels).toBeGreaterThanOrEqual(channels ?? 0);
        expect(plan.payers).toBeLessThanOrEqual(plan.channels);
        expect(describePlan(plan)).toContain(`${plan.channels} channels`);
      }
    }
  });

  it('gives unique vouchers a hundred thousand channels that take turns', () => {
    const plan = planFor('unique', 60, Date.now(), { choice: 'zipf' });
    expect(plan.channels).toBeGreaterThanOrEqual(100_000);
    expect(plan.choice).toBe('round-robin');
  });

  it('shares files between runs of up to a minute', () => {
    const nowMs = Date.now();
    expect(planFor('ticks', 5, nowMs)).toEqual(planFor('ticks', 60, nowMs));
    expect(planFor('ticks', 61, nowMs)).not.toEqual(planFor('ticks', 60, nowMs));
    expect(planFor('ticks', 60, nowMs, { choice: 'uniform' }).choice).toBe('uniform');
  });
});

describe('a bar', () => {
  it('shows share and time', () => {
    expect(barText('corpus', 0.5, 10_000)).toBe(
      'corpus           [###############---------------]  50 %  10 s, 10 s to go',
    );
    expect(barText('corpus', 1, 10_000)).toMatch(/100 % {2}10 s$/);
  });
});
