import { describe, expect, it } from 'vitest';
import { HELP, parseLoadOptions, UsageError } from '../../load-tests/src/options.js';
import { planOf, requestsOf } from '../../load-tests/src/plan.js';

describe('parseLoadOptions', () => {
  it('has defaults, and shorter ones for a smoke run', () => {
    expect(parseLoadOptions([])).toMatchObject({ vouchersPerSecond: 2_000, durationSeconds: 30 });
    expect(parseLoadOptions(['--smoke', '--rate', '800'])).toMatchObject({
      vouchersPerSecond: 800,
      durationSeconds: 5,
      channels: 40,
    });
  });

  it('reports every mistake at once', () => {
    const run = () => parseLoadOptions(['--rate', 'fast', '--duration', '0', '--engine', 'wrk']);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(/--engine .*"wrk"\n--rate .*"fast"\n--duration .*"0"/);
  });

  it.each([
    [['--rte', '1'], /--rte/],
    [['--rate', '10', '--batch', '50'], /less than one request/],
    [['--rate', '1000000', '--duration', '3600'], /10 000 000/],
  ])('refuses %j', (args, message) => {
    expect(() => parseLoadOptions(args)).toThrow(message);
  });

  it('explains every option that it takes', () => {
    for (const name of 'rate duration smoke batch channels bad p99-ms engine install-k6 state json'.split(
      ' ',
    )) {
      expect(HELP).toContain(`--${name}`);
    }
  });
});

describe('planOf', () => {
  const places = { target: 'h:1', protoRoot: '/p', corpusFile: '/c', summaryFile: '/s' };

  it('sends whole requests, at a rate that does not exceed the one asked for', () => {
    const options = parseLoadOptions(['--rate', '999', '--batch', '50', '--duration', '10']);
    expect(requestsOf(options)).toEqual({ perSecond: 19, total: 190 });
    expect(planOf(options, places)).toMatchObject({
      requests: 190,
      requestsPerSecond: 19,
      virtualUsers: 38,
      droppedMax: 1,
    });
  });

  it('bounds the virtual users', () => {
    expect(planOf(parseLoadOptions(['--rate', '100000']), places).virtualUsers).toBe(512);
    expect(planOf(parseLoadOptions(['--rate', '60']), places).virtualUsers).toBe(32);
  });
});
