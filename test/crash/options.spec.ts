import { describe, expect, it } from 'vitest';
import { PAYMENT_POINTS } from '#libs/failpoints';
import { HELP, parseCrashOptions, UsageError } from './src/options.js';
import { CRASH_POINTS } from './src/points.js';

describe('the points of a crash test', () => {
  it('are every fail-point of payments, and the servers', () => {
    const names = CRASH_POINTS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...PAYMENT_POINTS]));
    expect(names).toEqual(expect.arrayContaining(['kafka.kill', 'postgres.kill']));
    expect(new Set(names).size).toBe(names.length);
  });

  it('come with one replica first, since a second one is never taken away again', () => {
    const replicas = CRASH_POINTS.map((point) => point.replicas);
    expect(replicas).toEqual([...replicas].sort());
  });

  it('are all in the help', () => {
    for (const { name } of CRASH_POINTS) expect(HELP).toContain(name);
  });
});

describe('parseCrashOptions', () => {
  it('runs every point three times by default, with a seed of its own', () => {
    const [one, other] = [parseCrashOptions([]), parseCrashOptions([])];
    expect(one).toMatchObject({
      rounds: 3,
      rigs: 1,
      json: false,
      keep: false,
      points: CRASH_POINTS,
    });
    expect(one.seed).not.toBe(other.seed);
  });

  it('takes points in their fixed order, whatever order they are given in', () => {
    const { points } = parseCrashOptions(['--points', 'ingest.before-ack,kafka.kill']);
    expect(points.map(({ name }) => name)).toEqual(['kafka.kill', 'ingest.before-ack']);
  });

  it('reports every mistake at once', () => {
    const run = () =>
      parseCrashOptions([
        '--rounds',
        '0',
        '--seed',
        'x',
        '--rigs',
        '9',
        '--points',
        'a,kafka.kill',
      ]);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(/no point "a"\n--rounds .*"0"\n--seed .*"x"\n--rigs .*"9"/);
    expect(() => parseCrashOptions(['--round', '1'])).toThrow(UsageError);
  });
});
