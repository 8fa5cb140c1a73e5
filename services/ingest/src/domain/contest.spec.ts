import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Contest } from './contest.js';

type Claim = { cumulativeUnits: bigint; sender: object; holds: boolean };

const SENDERS = [{}, {}, {}, {}];
const claims = fc.array(
  fc.record({
    cumulativeUnits: fc.bigInt({ min: 1n, max: 9n }),
    sender: fc.constantFrom(...SENDERS),
    holds: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  { minLength: 1, maxLength: 30 },
);

/** Plays a contest in rounds of these sizes, the last one again and again; returns it and its rounds. */
function play(all: readonly Claim[], sizes: readonly number[]) {
  const contest = new Contest(all);
  let rounds = 0;
  while (!contest.isOver) {
    const size = sizes[Math.min(rounds, sizes.length - 1)] ?? 1;
    const taken: Claim[] = [];
    while (taken.length < size) {
      const claim = contest.candidate(() => true);
      if (claim === undefined) break;
      taken.push(claim);
    }
    for (const claim of taken) contest.settle(claim, claim.holds);
    rounds++;
  }
  return { contest, rounds };
}

describe('a contest', () => {
  it('has the same end in rounds of any size as one by one', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(claims, sizes, (all, some) => {
        const { contest: one } = play(all, [1]);
        const { contest: many } = play(all, some);
        expect(many.winner).toBe(one.winner);
        expect([...many.failed]).toEqual([...one.failed]);
        expect(many.answered()).toEqual(one.answered());
        expect(many.untried()).toEqual(one.untried());
        const ends = [...many.failed, ...many.answered(), ...many.untried(), ...many.unreached()];
        expect(ends).toHaveLength(all.length);
        expect(new Set(ends)).toEqual(new Set(all));
      }),
    );
  });

  it('does not come to what lies below the claims taken so far', () => {
    const all = [5n, 4n, 3n].map((cumulativeUnits) => ({ cumulativeUnits, sender: {} }));
    const contest = new Contest(all);
    const first = contest.candidate(() => true);
    contest.settle(first!, false);
    expect([contest.isOver, contest.winner, contest.unreached()]).toEqual([
      false,
      undefined,
      all.slice(1),
    ]);
    contest.settle(contest.candidate(() => true)!, true);
    expect([contest.isOver, contest.unreached(), contest.answered()]).toEqual([
      true,
      [],
      all.slice(1),
    ]);
  });
});
