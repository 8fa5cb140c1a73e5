import { describe, expect, it } from 'vitest';
import { CLAIM_POINTS, EPOCH_POINTS, SETTLEMENT_POINTS } from '#libs/failpoints';
import { FAULTS } from './src/faults/catalogue.js';
import { HELP, parseSettlementOptions, SHORT, UsageError } from './src/options.js';
import { sharesOf } from './src/settlement-run.js';

const NAMES = FAULTS.map(({ name }) => name);

describe('the faults of a settlement test', () => {
  it('are every fail-point of settlement and every line of the plan, each once', () => {
    const points = [...SETTLEMENT_POINTS, ...CLAIM_POINTS, ...EPOCH_POINTS];
    expect(NAMES).toEqual(expect.arrayContaining(points));
    expect(new Set(NAMES).size).toBe(NAMES.length);
    const plans = new Set(FAULTS.map(({ plan }) => plan));
    expect([...plans].sort()).toEqual([
      'T20',
      'T21',
      'T22',
      'T23',
      'T24',
      'T25',
      'T26',
      'T28',
      'T3',
    ]);
  });

  it('come with one process first, since a second one is never taken away again', () => {
    const processes = FAULTS.map((fault) => fault.processes);
    expect(processes).toEqual([...processes].sort());
  });

  it('are all in the help', () => {
    for (const name of NAMES) expect(HELP).toContain(name);
  });

  it('of the short form exist', () => {
    expect(NAMES).toEqual(expect.arrayContaining([...SHORT]));
  });
});

describe('the shares of the kinds', () => {
  const [one, two] = [{ processes: 1 }, { processes: 2 }] as const;
  it.each([
    [[one, one, two], 3, [1, 1, 1]],
    [[one, one, two], 4, [2, 1, 1]],
    [[one, one, two], 12, [5, 5, 2]],
    [[two, two], 7, [4, 3]],
    [[one, one, one], 2, [1, 1, 0]],
  ])('of %j in %i rounds', (faults, rounds, expected) => {
    expect(sharesOf(faults, rounds)).toEqual(expected);
  });
});

describe('parseSettlementOptions', () => {
  it('runs each fault once by default, with a seed of its own and a pause of a minute', () => {
    const [one, other] = [parseSettlementOptions([]), parseSettlementOptions([])];
    expect(one).toMatchObject({
      rounds: FAULTS.length,
      pauseSeconds: 60,
      json: false,
      keep: false,
    });
    expect(one.seed).not.toBe(other.seed);
  });

  it('takes the short form, and faults in their fixed order', () => {
    expect(parseSettlementOptions(['--short']).faults).toHaveLength(SHORT.length);
    const { faults, rounds } = parseSettlementOptions([
      '--faults',
      'deposits.fake,settlement.after-plan',
      '--rounds',
      '7',
    ]);
    expect(faults.map(({ name }) => name)).toEqual(['settlement.after-plan', 'deposits.fake']);
    expect(rounds).toBe(7);
  });

  it('reports every mistake at once', () => {
    const run = () =>
      parseSettlementOptions(['--rounds', '0', '--pause', 'x', '--faults', 'a,deposits.fake']);
    expect(run).toThrow(UsageError);
    expect(run).toThrow(/no fault "a"\n--rounds .*"0"\n--pause .*"x"/);
    expect(() => parseSettlementOptions(['--round', '1'])).toThrow(UsageError);
  });
});
