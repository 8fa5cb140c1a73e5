import { describe, expect, it } from 'vitest';
import { GetRoundResponse, OrderSide, OrderState } from '#libs/contracts';
import { UNITS_MAX } from '#libs/domain';
import { SERVER_CHANNEL_OPTIONS } from '#libs/grpc';
import { matchMessage } from '../application/market-events.js';
import { MARKET_LIMITS } from '../domain/limits.js';
import { askWith, bidWith } from '../domain/order.samples.js';
import { decideRound } from '../domain/round.js';
import { orderMessage, roundMessage } from './market-codec.js';

const OWNER = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const contentHash = new Uint8Array();

describe('orderMessage', () => {
  it('shows an ask and a bid in every state', () => {
    expect(orderMessage({ order: askWith(1), state: 'open', contentHash })).toMatchObject({
      side: OrderSide.ASK,
      state: OrderState.OPEN,
      volumeMib: 0n,
    });
    expect(orderMessage({ order: bidWith(2), state: 'pending', contentHash })).toMatchObject({
      orderId: Buffer.from(bidWith(2).orderId, 'hex'),
      side: OrderSide.BID,
      state: OrderState.PENDING,
      volumeMib: 10n,
    });
    const ends = (['filled', 'cancelled', 'expired'] as const).map(
      (state) => orderMessage({ order: bidWith(2), state, contentHash }).state,
    );
    expect(ends).toEqual([OrderState.FILLED, OrderState.CANCELLED, OrderState.EXPIRED]);
  });
});

describe('the largest round', () => {
  it('fits the answer of GetRound', () => {
    const { entrantsMax, matchesMax } = MARKET_LIMITS;
    const wide = {
      swarm: 'ab'.repeat(32),
      priceUnits: UNITS_MAX / 2n ** 40n,
      expiresAtMs: 99_999_999_999_999n,
      atMs: 99_999_999_999_999n,
      slotsOpen: 64,
    };
    const numbers = Array.from({ length: entrantsMax }, (_, n) => n);
    const round = decideRound(
      { roundNo: UNITS_MAX, swarm: wide.swarm, clearedAtMs: 1n },
      {
        asks: numbers.map((n) => askWith(n, { ...wide, owner: `${OWNER.slice(4)}${n + 1_000}` })),
        bids: numbers.map((n) => bidWith(n, { ...wide, owner: OWNER, volumeMib: 2n ** 40n })),
        matchesMax,
      },
    );
    const message = GetRoundResponse.encode({
      round: roundMessage({ ...round, slotsMatched: round.matches.length }),
      matches: round.matches.map(matchMessage),
      transcript: round.transcript,
    }).finish();
    expect(round.matches).toHaveLength(matchesMax);
    expect(message.length).toBeGreaterThan(2 * 1024 * 1024);
    expect(message.length).toBeLessThan(SERVER_CHANNEL_OPTIONS['grpc.max_send_message_length']);
  });
});
