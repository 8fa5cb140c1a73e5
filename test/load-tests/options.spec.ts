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

  it('runs every scenario unless one is named', () => {
    expect(parseLoadOptions([]).scenarios).toEqual([
      'unary',
      'stream',
      'mixed',
      'hot-payee',
      'hot-payer',
    ]);
    expect(parseLoadOptions(['--scenario', 'hot-payer']).scenarios).toEqual(['hot-payer']);
    expect(() => parseLoadOptions(['--scenario', 'cold'])).toThrow(/all or unary, .*"cold"/);
  });

  it('builds a missing k6 unless that is forbidden', () => {
    expect(parseLoadOptions([]).mayInstall).toBe(true);
    expect(parseLoadOptions(['--no-install']).mayInstall).toBe(false);
  });

  it('reports every mistake at once', () => {
    const run = () => parseLoadOptions(['--rate', 'fast', '--seconds', '0', '--engine', 'wrk']);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(/--engine .*"wrk"\n--rate .*"fast"\n--seconds .*"0"/);
  });

  it.each([
    [['--rte', '1'], /--rte/],
    [['--rate', '10', '--batch', '50'], /less than one request/],
    [['--rate', '1000000', '--seconds', '3600'], /10 000 000/],
  ])('refuses %j', (args, message) => {
    expect(() => parseLoadOptions(args)).toThrow(message);
  });

  it('explains every option that it takes', () => {
    for (const name of 'scenario rate seconds smoke batch channels bad p99-ms engine no-install state json'.split(
      ' ',
    )) {
      expect(HELP).toContain(`--${name}`);
    }
  });
});

describe('planOf', () => {
  const places = { target: 'h:1', protoRoot: '/p', corpusFile: '/c', summaryFile: '/s' };

  it('sends whole requests, at a rate that does not exceed the one asked for', () => {
    const options = parseLoadOptions(['--rate', '999', '--batch', '50', '--seconds', '10']);
    expect(requestsOf(options)).toEqual({ perSecond: 19, total: 190 });
    expect(planOf(options, 'unary', places)).toMatchObject({
      requests: 190,
      requestsPerSecond: 19,
      virtualUsers: 38,
      droppedMax: 1,
    });
  });

  it('sends whole streams, each at its share of the rate', () => {
    const options = parseLoadOptions(['--rate', '1000', '--batch', '50', '--seconds', '3']);
    expect(requestsOf(options, 'stream')).toEqual({ perSecond: 20, total: 60 });
    const short = parseLoadOptions(['--rate', '750', '--batch', '50', '--seconds', '1']);
    expect(requestsOf(short, 'stream').total).toBe(10);
    expect(planOf(options, 'stream', places)).toMatchObject({
      api: 'stream',
      requestsPerIteration: 10,
      requests: 60,
    });
  });

  it('bounds the virtual users', () => {
    expect(planOf(parseLoadOptions(['--rate', '100000']), 'unary', places).virtualUsers).toBe(512);
    expect(planOf(parseLoadOptions(['--rate', '60']), 'unary', places).virtualUsers).toBe(32);
  });
});
