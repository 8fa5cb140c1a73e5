import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type CancelOrderRequest,
  type CancelOrderResponse,
  type GetOrderResponse,
  type GetRoundResponse,
  type ListRoundsResponse,
  OrderSide,
  OrderState,
  type PageRequest,
  type PlaceAskRequest,
  type PlaceAskResponse,
  type PlaceBidRequest,
  type PlaceBidResponse,
} from '#libs/contracts';
import { toHex } from '#libs/domain';
import { eventually } from '#libs/testing';
import { MARKET_LIMITS } from '../src/domain/limits.js';
import { replay } from '../src/domain/transcript.js';
import { MarketRig, reasonOf } from './market-rig.js';
import { signedAsk, signedBid, signedCancel, someSwarm, trader } from './traders.js';

let rig: MarketRig;
beforeAll(async () => {
  rig = await MarketRig.start();
});
afterAll(() => rig.stop());
afterEach(() => {
  rig.books.mood = 'hold';
});

const placeAsk = (ask: PlaceAskRequest) =>
  rig.call<PlaceAskResponse>((client, answer) => client.placeAsk(ask, answer));
const placeBid = (bid: PlaceBidRequest) =>
  rig.call<PlaceBidResponse>((client, answer) => client.placeBid(bid, answer));
const getOrder = (orderId: Buffer) =>
  rig.call<GetOrderResponse>((client, answer) => client.getOrder({ orderId }, answer));
const cancelWith = (request: CancelOrderRequest) =>
  rig.call<CancelOrderResponse>((client, answer) => client.cancelOrder(request, answer));
const cancel = (...args: Parameters<typeof signedCancel>) => cancelWith(signedCancel(...args));
const listRounds = (page?: PageRequest) =>
  rig.call<ListRoundsResponse>((client, answer) => client.listRounds({ page }, answer));
const getRound = (roundNo: bigint) =>
  rig.call<GetRoundResponse>((client, answer) => client.getRound({ roundNo }, answer));
const state = async (orderId: Buffer) => (await getOrder(orderId)).order?.state;
const reaches = (orderId: Buffer, wanted: OrderState) =>
  eventually(async () => expect(await state(orderId)).toBe(wanted));
const told = (bidId: Buffer, events: string[]) =>
  eventually(() => expect(rig.eventsOf(bidId)).toEqual(events), { timeoutMs: 30_000 });

describe('an ask and bids', () => {
  const swarm = someSwarm();
  const [provider, winner, loser] = [trader(), trader(), trader()];
  const ask = signedAsk(provider, { swarm, reservePriceUnits: 3n });
  const bids = [
    signedBid(winner, { swarm, priceLimitUnits: 9n }),
    signedBid(loser, { swarm, priceLimitUnits: 4n }),
  ] as const;

  it('meet in a round; the books hear of the lease, then of what is left', async () => {
    for (const bid of bids) {
      const { order } = await placeBid(bid);
      expect(order).toMatchObject({ side: OrderSide.BID, slots: 1, slotsOpen: 1 });
      expect(rig.books.holds.get(toHex(bid.orderId))).toEqual(bid);
    }
    await reaches(bids[1].orderId, OrderState.OPEN);
    const { order } = await placeAsk(ask);
    expect(order).toMatchObject({ side: OrderSide.ASK, owner: provider.address, priceUnits: 3n });
    await reaches(ask.orderId, OrderState.FILLED);
    await told(bids[0].orderId, ['match 4', 'release filled']);
    expect(await state(bids[0].orderId)).toBe(OrderState.FILLED);
    expect(await state(bids[1].orderId)).toBe(OrderState.OPEN);
    expect(rig.eventsOf(bids[1].orderId)).toEqual([]);
  });

  it('show their match on both sides', async () => {
    const { matches } = await getOrder(bids[0].orderId);
    expect(matches).toMatchObject([
      { provider: provider.address, requester: winner.address, priceUnits: 4n, depositUnits: 40n },
    ]);
    expect((await getOrder(ask.orderId)).matches).toEqual(matches);
  });

  it('leave a round that anybody can run again', async () => {
    const { rounds } = await listRounds();
    const listed = rounds.find((round) => round.swarm.equals(swarm));
    const answer = await getRound(listed?.roundNo ?? 0n);
    const found = replay(answer.transcript);
    expect(answer.round).toEqual(listed);
    expect(listed).toMatchObject({ priceUnits: 4n, slotsMatched: 1 });
    expect(found).toMatchObject({ ok: true, hash: toHex(answer.round?.transcriptHash ?? swarm) });
    expect(found.ok && found.matches.map(({ matchId }) => matchId)).toEqual(
      answer.matches.map(({ matchId }) => toHex(matchId)),
    );
  });

  it('page through rounds, the newest first', async () => {
    const other = someSwarm();
    await placeBid(signedBid(winner, { swarm: other }));
    await placeAsk(signedAsk(provider, { swarm: other }));
    const page = (cursor: string) => listRounds({ cursor, limit: 1 });
    const first = await eventually(async () => {
      const found = await page('');
      expect(found.rounds[0]?.swarm.equals(other)).toBe(true);
      return found;
    });
    const second = await page(first.nextCursor);
    expect(second.rounds[0]?.roundNo).toBeLessThan(first.rounds[0]?.roundNo ?? 0n);
  });

  it('are known at once after a repeated request, and under no other content', async () => {
    const callsBefore = rig.books.calls;
    expect((await placeAsk(ask)).order?.state).toBe(OrderState.FILLED);
    expect((await placeBid(bids[0])).order?.state).toBe(OrderState.FILLED);
    expect(rig.books.calls).toBe(callsBefore);
    const reused = { swarm, orderId: ask.orderId };
    expect(await reasonOf(placeAsk(signedAsk(provider, { ...reused, slots: 2 })))).toBe(
      'ID_REUSED',
    );
    expect(await reasonOf(placeBid(signedBid(winner, reused)))).toBe('ID_REUSED');
    expect(await reasonOf(placeAsk(signedAsk(trader(), reused)))).toBe('ID_REUSED');
  });

  it('keep one lease when the same bid is sent many times at once', async () => {
    const other = someSwarm();
    const bid = signedBid(winner, { swarm: other });
    await Promise.all(Array.from({ length: 12 }, () => placeBid(bid)));
    await placeAsk(signedAsk(provider, { swarm: other, slots: 5 }));
    await told(bid.orderId, ['match 5', 'release filled']);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(rig.eventsOf(bid.orderId)).toEqual(['match 5', 'release filled']);
  });
});

describe('a bid for several slots', () => {
  it('gets one of each provider, and waits for others without meeting one twice', async () => {
    const swarm = someSwarm();
    const [one, two] = [trader(), trader()];
    const bid = signedBid(trader(), { swarm, slots: 2 });
    await placeBid(bid);
    await placeAsk(signedAsk(one, { swarm, slots: 4 }));
    await told(bid.orderId, ['match 5']);
    await rig.stopService();
    await rig.startService();
    await placeAsk(signedAsk(one, { swarm, slots: 4, reservePriceUnits: 1n }));
    await placeAsk(signedAsk(two, { swarm, reservePriceUnits: 7n }));
    await told(bid.orderId, ['match 5', 'match 7', 'release filled']);
    const { matches } = await getOrder(bid.orderId);
    expect(matches.map(({ provider }) => provider)).toEqual([one.address, two.address]);
  });
});

describe('cancelling', () => {
  it('takes an order back, gives the hold back, and answers the same again', async () => {
    const requester = trader();
    const bid = signedBid(requester, { swarm: someSwarm() });
    await placeBid(bid);
    expect((await cancel(requester, bid.orderId)).order?.state).toBe(OrderState.CANCELLED);
    await told(bid.orderId, ['release cancelled']);
    expect((await cancel(requester, bid.orderId)).order?.state).toBe(OrderState.CANCELLED);
    expect((await placeBid(bid)).order?.state).toBe(OrderState.CANCELLED);
  });

  it('keeps a cancelled ask out of the next round', async () => {
    const [swarm, provider] = [someSwarm(), trader()];
    const ask = signedAsk(provider, { swarm });
    await placeAsk(ask);
    await cancel(provider, ask.orderId);
    const bid = signedBid(trader(), { swarm });
    await placeBid(bid);
    await reaches(bid.orderId, OrderState.OPEN);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(rig.eventsOf(bid.orderId)).toEqual([]);
  });

  it('is refused for a stranger, an unknown order, a filled one, and a stale request', async () => {
    const [swarm, provider, requester] = [someSwarm(), trader(), trader()];
    const ask = signedAsk(provider, { swarm });
    await placeAsk(ask);
    expect(await reasonOf(cancel(trader(), ask.orderId))).toBe('BAD_SIGNATURE');
    expect(await reasonOf(cancel(provider, randomBytes(32)))).toBe('ORDER_UNKNOWN');
    expect(await reasonOf(cancel(provider, randomBytes(31)))).toBe('MALFORMED');
    const stale = { ...signedCancel(provider, ask.orderId), validUntilMs: 1n };
    expect(await reasonOf(cancelWith(stale))).toBe('EXPIRED');
    await placeBid(signedBid(requester, { swarm }));
    await reaches(ask.orderId, OrderState.FILLED);
    expect(await reasonOf(cancel(provider, ask.orderId))).toBe('ORDER_CLOSED');
  });
});

describe('time', () => {
  it('ends a bid and gives its hold back', async () => {
    const bid = signedBid(trader(), {
      swarm: someSwarm(),
      expiresAtMs: BigInt(Date.now()) + 5_000n,
    });
    await placeBid(bid);
    await reaches(bid.orderId, OrderState.EXPIRED);
    await told(bid.orderId, ['release expired']);
    expect((await placeBid(bid)).order?.state).toBe(OrderState.EXPIRED);
  });
});

describe('a restart', () => {
  it('keeps the book', async () => {
    const [swarm, provider] = [someSwarm(), trader()];
    const ask = signedAsk(provider, { swarm, slots: 3 });
    await placeAsk(ask);
    await reaches(ask.orderId, OrderState.OPEN);
    await rig.stopService();
    await rig.startService();
    const bid = signedBid(trader(), { swarm });
    await placeBid(bid);
    await told(bid.orderId, ['match 5', 'release filled']);
    expect((await getOrder(ask.orderId)).order).toMatchObject({ slotsOpen: 2 });
  });
});

describe('a second replica', () => {
  it('takes over all books when the first one goes', async () => {
    const swarms = Array.from({ length: 8 }, someSwarm);
    const asks = swarms.map((swarm) => signedAsk(trader(), { swarm }));
    for (const ask of asks) await placeAsk(ask);
    await rig.startService();
    const early = signedBid(trader(), { swarm: swarms[0]! });
    await placeBid(early);
    await told(early.orderId, ['match 5', 'release filled']);
    await rig.stopService();
    const bids = swarms.slice(1).map((swarm) => signedBid(trader(), { swarm }));
    for (const bid of bids) await placeBid(bid);
    for (const bid of bids) await told(bid.orderId, ['match 5', 'release filled']);
  });
});

describe('the books', () => {
  it.each(['INSUFFICIENT_FUNDS', 'ACCOUNT_UNKNOWN', 'BAD_SIGNATURE'] as const)(
    'refuse a bid with %s, which is then forgotten',
    async (reason) => {
      const bid = signedBid(trader(), { swarm: someSwarm() });
      rig.books.mood = reason;
      expect(await reasonOf(placeBid(bid))).toBe(reason);
      expect(await reasonOf(getOrder(bid.orderId))).toBe('ORDER_UNKNOWN');
      rig.books.mood = 'hold';
      await placeBid(bid);
      await reaches(bid.orderId, OrderState.OPEN);
    },
  );

  it('dead, make a bid UNAVAILABLE; it goes on when it is repeated', async () => {
    const bid = signedBid(trader(), { swarm: someSwarm() });
    rig.books.stop();
    expect(await reasonOf(placeBid(bid))).toBe('UNAVAILABLE');
    expect(await state(bid.orderId)).toBe(OrderState.PENDING);
    const ask = signedAsk(trader(), { swarm: someSwarm() });
    await placeAsk(ask);
    await reaches(ask.orderId, OrderState.OPEN);
    await rig.books.start();
    await eventually(async () => expect(await reasonOf(placeBid(bid))).toBe('accepted'));
    await reaches(bid.orderId, OrderState.OPEN);
  });

  it('silent, leave the outcome unknown', async () => {
    rig.books.mood = 'silent';
    const bid = signedBid(trader(), { swarm: someSwarm() });
    expect(await reasonOf(placeBid(bid))).toBe('OUTCOME_UNKNOWN');
    expect(await state(bid.orderId)).toBe(OrderState.PENDING);
  });

  it('that do not know our secret are our fault, not the bidder’s', async () => {
    rig.books.mood = 'UNAUTHENTICATED';
    const bid = signedBid(trader(), { swarm: someSwarm() });
    expect(await reasonOf(placeBid(bid))).toBe('OUTCOME_UNKNOWN');
  });
});

describe('wrong requests', () => {
  it('are refused before anything is stored', async () => {
    const key = trader();
    const ask = signedAsk(key);
    const forged = { ...ask, reservePriceUnits: 1n };
    const stranger = { ...ask, publicKey: Buffer.from(trader().publicKey) };
    expect(await reasonOf(placeAsk(forged))).toBe('BAD_SIGNATURE');
    expect(await reasonOf(placeAsk(stranger))).toBe('BAD_SIGNATURE');
    expect(await reasonOf(placeAsk({ ...ask, publicKey: Buffer.alloc(65) }))).toBe('MALFORMED');
    expect(await reasonOf(placeAsk(signedAsk(key, { slots: 65 })))).toBe('LIMIT_EXCEEDED');
    expect(await reasonOf(placeAsk(signedAsk(key, { expiresAtMs: 5n })))).toBe('EXPIRED');
    expect(await reasonOf(placeBid(signedBid(key, { budgetUnits: 1n })))).toBe('BUDGET_TOO_SMALL');
    expect(await reasonOf(getOrder(ask.orderId))).toBe('ORDER_UNKNOWN');
    expect(await reasonOf(getOrder(Buffer.alloc(3)))).toBe('MALFORMED');
    expect(await reasonOf(getRound(999_999n))).toBe('NOT_FOUND');
    expect(await reasonOf(listRounds({ cursor: 'x', limit: 1 }))).toBe('BAD_CURSOR');
  });
});

describe('a full book', () => {
  it('takes no more orders of one account in one swarm, but those of others', async () => {
    const [swarm, key] = [someSwarm(), trader()];
    await rig.database.sql`
      insert into market.orders
      select sha256(convert_to(${key.address} || n, 'UTF8')), 0, '\\x00', 1, ${key.address}, ${swarm},
        1, 1, 1, 1, 0, 0, 2, 0, ${2n ** 60n}
      from generate_series(1, ${MARKET_LIMITS.ownerOrdersMax}) n`;
    expect(await reasonOf(placeAsk(signedAsk(key, { swarm })))).toBe('LIMIT_EXCEEDED');
    expect(await reasonOf(placeAsk(signedAsk(trader(), { swarm })))).toBe('accepted');
  });
});

describe('operations', () => {
  it('sees that the service is ready, and its figures', async () => {
    const ready = await rig.ops('readyz');
    expect(ready).toMatchObject({ status: 200 });
    expect(JSON.parse(ready.text).checks).toEqual({
      postgres: 'ok',
      kafka: 'ok',
      rounds: 'ok',
      'the order log is whole': 'ok',
      'the round clock': 'ok',
      'the outbox relay': 'ok',
    });
    const { text } = await rig.ops('metrics');
    expect(text).toMatch(/swarmledger_market_matches_total\S* [1-9]/);
    expect(text).toMatch(/swarmledger_market_orders_total\{side="bid",outcome="opened"\S* [1-9]/);
    expect(text).toContain('swarmledger_market_open_orders{side="ask"');
    expect(text).toContain('swarmledger_market_round_seconds_bucket');
  });
});
