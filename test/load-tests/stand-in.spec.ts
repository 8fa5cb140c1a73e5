import { describe, expect, it } from 'vitest';
import { holds, Metric } from '../../load-tests/src/stand-in/metrics.js';
import { milliseconds, runAtRate } from '../../load-tests/src/stand-in/schedule.js';
import { iteration } from '../../load-tests/src/stand-in/state.js';

const scenario = {
  executor: 'constant-arrival-rate',
  rate: 200,
  timeUnit: '1s',
  duration: '250ms',
  maxVUs: 10,
  gracefulStop: '1s',
};

describe('runAtRate', () => {
  it('starts each iteration once, under its own number', async () => {
    const numbers: (number | undefined)[] = [];
    const work = async () => void numbers.push(iteration.getStore());
    const counts = { started: 0, dropped: 0 };
    await runAtRate({ ...scenario, maxVUs: 50 }, work, {
      started: () => counts.started++,
      dropped: () => counts.dropped++,
    });
    expect(counts).toEqual({ started: 50, dropped: 0 });
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('does not wait for answers: what finds no free user is dropped', async () => {
    const counts = { started: 0, dropped: 0 };
    const work = () => new Promise<void>((resolve) => setTimeout(resolve, 600));
    await runAtRate(scenario, work, {
      started: () => counts.started++,
      dropped: () => counts.dropped++,
    });
    expect(counts).toEqual({ started: 10, dropped: 40 });
  });

  it('refuses an executor that it does not have', async () => {
    const observer = { started: () => undefined, dropped: () => undefined };
    const other = { ...scenario, executor: 'ramping-vus' };
    await expect(runAtRate(other, async () => undefined, observer)).rejects.toThrow('ramping-vus');
  });
});

describe('Metric', () => {
  it('summarises as k6 does', () => {
    const trend = new Metric('trend');
    for (let sample = 0; sample <= 100; sample++) trend.add(sample);
    expect(trend.values(1)).toMatchObject({
      count: 101,
      min: 0,
      med: 50,
      'p(99)': 99,
      max: 100,
      avg: 50,
    });
    const rate = new Metric('rate');
    for (const sample of [true, false, false, false]) rate.add(sample);
    expect(rate.values(1)).toEqual({ rate: 0.25, passes: 1, fails: 3 });
    const counter = new Metric('counter');
    counter.add(4);
    expect(counter.values(2)).toEqual({ count: 4, rate: 2 });
    expect(new Metric('trend').values(1)).toMatchObject({ count: 0, 'p(99)': 0 });
  });
});

describe('holds', () => {
  it.each([
    ['count==0', { count: 0 }, true],
    ['count==0', { count: 1 }, false],
    ['rate<0.001', { rate: 0.0005 }, true],
    ['p(99)<250', { 'p(99)': 250 }, false],
    ['count<=3', { count: 3 }, true],
    ['max>=3', { max: 2 }, false],
    ['min>1', { min: 2 }, true],
    ['count!=3', { count: 3 }, false],
  ])('%s of %j is %s', (threshold, values, expected) => {
    expect(holds(threshold, values)).toBe(expected);
  });

  it.each(['count', 'p(99)<fast', 'p(50)<1'])('refuses %s', (threshold) => {
    expect(() => holds(threshold, { count: 1 })).toThrow('cannot judge');
  });
});

describe('milliseconds', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('%s is %i', (text, expected) => {
    expect(milliseconds(text)).toBe(expected);
  });

  it('refuses anything else', () => {
    expect(() => milliseconds('soon')).toThrow('not a duration');
  });
});
