import { describe, expect, it } from 'vitest';
import { leaseIdOf, matchIdOf } from './match.js';
import { askWith, bidWith } from './order.samples.js';
import { decideRound, release } from './round.js';

const head = { roundNo: 3n, swarm: 'ab'.repeat(20), clearedAtMs: 2_000n };

describe('decideRound', () => {
  const asks = [askWith(1, { priceUnits: 2n, slotsOpen: 3 }), askWith(2, { priceUnits: 4n })];
  const bids = [
    bidWith(8, { priceUnits: 9n, slotsOpen: 3 }),
    bidWith(9, { priceUnits: 6n, volumeMib: 7n }),
  ];
  const round = decideRound(head, { asks, bids, matchesMax: 100 });
  const [askA, askB] = asks.map(({ orderId }) => orderId);
  const [bidA, bidB] = bids.map(({ orderId }) => orderId);

  it('turns pairs into matches with ids, leases and deposits of price × volume', () => {
    const matchId = matchIdOf(3n, askA!, bidB!);
    expect(round.priceUnits).toBe(4n);
    expect(round.matches.map(({ askId, bidId }) => [askId, bidId])).toEqual([
      [askA, bidA],
      [askB, bidA],
      [askA, bidB],
    ]);
    expect(round.matches[2]).toEqual({
      matchId,
      roundNo: 3n,
      askId: askA,
      bidId: bidB,
      provider: 'T1',
      requester: 'T9',
      swarm: head.swarm,
      priceUnits: 4n,
      volumeMib: 7n,
      slotRateMib: 2,
      channelId: leaseIdOf(matchId),
      depositUnits: 28n,
    });
    const ids = round.matches.flatMap((match) => [match.matchId, match.channelId]);
    expect(new Set(ids).size).toBe(6);
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true);
  });

  it('says what becomes of the orders, and whom a bid has met', () => {
    const after = new Map(round.orders.map((order) => [order.orderId, order]));
    expect(after.get(askA!)).toMatchObject({ slots: 3, slotsOpen: 1 });
    expect(after.get(askB!)).toMatchObject({ slotsOpen: 0 });
    expect(after.get(bidA!)).toMatchObject({ slotsOpen: 1, met: ['T1', 'T2'] });
    expect(after.get(bidB!)).toMatchObject({ slotsOpen: 0, met: ['T1'] });
  });

  it('releases the rest of a filled bid after its matches, and nothing of an open one', () => {
    const events = round.events.map((event) =>
      event.kind === 'match' ? `match ${event.match.bidId}` : `${event.cause} ${event.bidId}`,
    );
    expect(events).toEqual([`match ${bidA}`, `match ${bidA}`, `match ${bidB}`, `filled ${bidB}`]);
  });

  it('decides an empty round too', () => {
    const empty = decideRound(head, { asks, bids: [], matchesMax: 100 });
    expect(empty).toMatchObject({ priceUnits: 0n, matches: [], orders: [], events: [] });
  });
});

describe('release', () => {
  it('concerns bids only', () => {
    expect(release(askWith(1), 'expired')).toEqual([]);
    expect(release(bidWith(2), 'expired')).toEqual([
      { kind: 'release', bidId: bidWith(2).orderId, cause: 'expired' },
    ]);
  });
});
