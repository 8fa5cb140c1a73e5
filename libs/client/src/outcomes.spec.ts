import { describe, expect, it } from 'vitest';
import { type Outcome, Reason } from '#libs/contracts';
import { itemsOf, OpenResults, owedAtLeast, resultsFromWire } from './outcomes.js';

const id = Buffer.alloc(32, 1);
const voucher = {
  channelId: id,
  payee: 'T',
  cumulativeUnits: 5n,
  validUntilMs: 1n,
  signature: Buffer.alloc(64),
};
const tick = { channelId: id, index: 1n, preimage: id };
const receipt = (acceptedUnits: bigint): Outcome => ({
  result: {
    $case: 'receipt',
    value: { channelId: id, acceptedUnits, partition: 1, offset: 2n },
  },
});
const refusal = (reason: Reason, acceptedUnits = 0n): Outcome => ({
  result: { $case: 'refusal', value: { reason, detail: 'why', acceptedUnits } },
});
const only = (outcome: Outcome) => {
  const results = resultsFromWire(
    { vouchers: [voucher] },
    { vouchers: [outcome], ticks: [], bundles: [] },
  );
  return results.vouchers[0]!;
};

describe('outcomes', () => {
  it('tells what is owed by a receipt, and by a refusal that says it was accepted before', () => {
    expect(owedAtLeast(only(receipt(7n)))).toBe(7n);
    expect(owedAtLeast(only(refusal(Reason.SUPERSEDED, 9n)))).toBe(9n);
    expect(owedAtLeast(only(refusal(Reason.EXPIRED)))).toBeUndefined();
  });

  it('takes an empty outcome and an unknown reason for an unknown outcome', () => {
    expect(only({ result: undefined })).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
    expect(only(refusal(999 as Reason))).toMatchObject({ reason: 'OUTCOME_UNKNOWN' });
  });

  it('does not pair outcomes with payments when their numbers differ', () => {
    expect(() => resultsFromWire({ vouchers: [voucher] }, undefined)).toThrow(TypeError);
    const outcomes = { vouchers: [receipt(1n)], ticks: [receipt(1n)], bundles: [] };
    expect(() => resultsFromWire({ vouchers: [voucher] }, outcomes)).toThrow('1 + 1 outcomes');
  });

  it('asks again only for what was refused for now, and keeps every place', () => {
    const open = new OpenResults({ vouchers: [voucher, voucher, voucher], ticks: [tick] });
    open.fill(
      resultsFromWire(open.rest(), {
        vouchers: [receipt(1n), refusal(Reason.OVERLOADED), refusal(Reason.BAD_SIGNATURE)],
        ticks: [refusal(Reason.UNAVAILABLE)],
        bundles: [],
      }),
    );
    expect(open.settled).toBe(false);
    const rest = open.rest();
    expect([rest.vouchers?.length, rest.ticks?.length]).toEqual([1, 1]);
    const again = { vouchers: [receipt(2n)], ticks: [receipt(3n)], bundles: [] };
    open.fill(resultsFromWire(rest, again));
    expect(open.settled).toBe(true);
    const { vouchers, ticks } = open.results();
    expect(vouchers.map((outcome) => owedAtLeast(outcome))).toEqual([1n, 2n, undefined]);
    expect(ticks.map((outcome) => owedAtLeast(outcome))).toEqual([3n]);
  });

  it('asks again for a whole bundle, and keeps what was final of it', () => {
    const entries = [1n, 2n, 3n].map((cumulativeUnits) => ({ channelId: id, cumulativeUnits }));
    const bundle = { entries, validUntilMs: 1n, signature: Buffer.alloc(64) };
    const open = new OpenResults({ bundles: [bundle, bundle] });
    const none = { vouchers: [], ticks: [] };
    const settled = { entries: [receipt(1n), receipt(2n), refusal(Reason.ABOVE_DEPOSIT)] };
    const half = { entries: [receipt(4n), refusal(Reason.OVERLOADED), refusal(Reason.EXPIRED)] };
    open.fill(resultsFromWire(open.rest(), { ...none, bundles: [settled, half] }));
    expect([open.settled, itemsOf(open.rest())]).toEqual([false, 3]);
    const repeat = { entries: [refusal(Reason.SUPERSEDED, 9n), receipt(5n), receipt(6n)] };
    open.fill(resultsFromWire(open.rest(), { ...none, bundles: [repeat] }));
    expect(open.settled).toBe(true);
    expect(open.results().bundles.map((outcomes) => outcomes.map(owedAtLeast))).toEqual([
      [1n, 2n, undefined],
      [4n, 5n, undefined],
    ]);
  });
});
