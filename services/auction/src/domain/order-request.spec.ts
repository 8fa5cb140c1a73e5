import { describe, expect, it } from 'vitest';
import { addressFromBytes, Digests, LIMITS, UNITS_MAX } from '#libs/domain';
import { type AskRequest, type BidRequest, checkAsk, checkBid } from './order-request.js';

const NOW = 1_000_000n;
const OWNER = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const digests = new Digests({ chainId: 1n, vaultAddress: OWNER });
const ask: AskRequest = {
  orderId: new Uint8Array(32).fill(7),
  provider: OWNER,
  swarm: new Uint8Array(20).fill(9),
  slots: 4,
  slotRateMib: 2,
  reservePriceUnits: 5n,
  expiresAtMs: NOW + 1_000n,
};
const bid: BidRequest = {
  orderId: new Uint8Array(32).fill(8),
  requester: OWNER,
  swarm: new Uint8Array(32).fill(9),
  slots: 3,
  priceLimitUnits: 5n,
  volumeMib: 10n,
  budgetUnits: 150n,
  expiresAtMs: NOW + 1_000n,
};

describe('checkAsk', () => {
  it('makes an order', () => {
    expect(checkAsk(ask, NOW, digests)).toMatchObject({
      ok: true,
      value: {
        order: { side: 'ask', owner: OWNER, slots: 4, slotsOpen: 4, priceUnits: 5n, atMs: NOW },
      },
    });
  });

  it('leaves it to the place where repeats are known whether an order has expired', () => {
    expect(checkAsk({ ...ask, expiresAtMs: NOW - 1n }, NOW, digests)).toMatchObject({ ok: true });
  });

  it.each<[string, Partial<AskRequest>]>([
    ['MALFORMED', { orderId: new Uint8Array(31) }],
    ['MALFORMED', { provider: 'Tnobody' }],
    ['MALFORMED', { swarm: new Uint8Array(21) }],
    ['MALFORMED', { slots: 0 }],
    ['MALFORMED', { slots: -1 }],
    ['MALFORMED', { slotRateMib: 0 }],
    ['MALFORMED', { reservePriceUnits: 0n }],
    ['LIMIT_EXCEEDED', { slots: LIMITS.slotsMax + 1 }],
    ['LIMIT_EXCEEDED', { slotRateMib: 100_001 }],
    ['MALFORMED', { expiresAtMs: NOW + LIMITS.validityMaxMs + 1n }],
    ['MALFORMED', { expiresAtMs: 0n }],
    ['MALFORMED', { expiresAtMs: -1n }],
    // The first failure of the ladder wins.
    ['MALFORMED', { orderId: new Uint8Array(), slots: 65, expiresAtMs: 0n }],
    ['LIMIT_EXCEEDED', { slots: 65, expiresAtMs: 0n }],
  ])('refuses with %s: %o', (reason, fields) => {
    expect(checkAsk({ ...ask, ...fields }, NOW, digests)).toMatchObject({ ok: false, reason });
  });
});

describe('checkBid', () => {
  it('makes an order that has met nobody', () => {
    expect(checkBid(bid, NOW, digests)).toMatchObject({
      ok: true,
      value: { order: { side: 'bid', volumeMib: 10n, budgetUnits: 150n, met: [] } },
    });
  });

  it.each<[string, Partial<BidRequest>]>([
    ['MALFORMED', { orderId: new Uint8Array(33) }],
    ['MALFORMED', { requester: '' }],
    ['MALFORMED', { swarm: new Uint8Array() }],
    ['MALFORMED', { slots: 0 }],
    ['MALFORMED', { priceLimitUnits: -5n }],
    ['MALFORMED', { volumeMib: 0n }],
    ['MALFORMED', { budgetUnits: 0n }],
    ['MALFORMED', { expiresAtMs: -1n }],
    ['MALFORMED', { expiresAtMs: -(2n ** 63n) }],
    ['LIMIT_EXCEEDED', { slots: 65 }],
    ['LIMIT_EXCEEDED', { volumeMib: 2n ** 40n + 1n }],
    ['LIMIT_EXCEEDED', { slots: 65, budgetUnits: 1n }],
    ['BUDGET_TOO_SMALL', { budgetUnits: 149n }],
    ['BUDGET_TOO_SMALL', { priceLimitUnits: UNITS_MAX, budgetUnits: UNITS_MAX }],
  ])('refuses with %s: %o', (reason, fields) => {
    expect(checkBid({ ...bid, ...fields }, NOW, digests)).toMatchObject({ ok: false, reason });
  });
});

describe('the content hash', () => {
  const hashOf = (fields: Partial<AskRequest>, at = NOW) => {
    const checked = checkAsk({ ...ask, ...fields }, at, digests);
    return checked.ok ? Buffer.from(checked.value.contentHash).toString('hex') : '';
  };

  it('is the same for a repeated request and another for any other field or owner', () => {
    expect(hashOf({}, NOW + 500n)).toBe(hashOf({}));
    const others = [
      { slots: 5 },
      { slotRateMib: 3 },
      { reservePriceUnits: 6n },
      { expiresAtMs: NOW + 2n },
      { swarm: new Uint8Array(20) },
      { provider: addressFromBytes(new Uint8Array(20).fill(3)) },
    ].map((fields) => hashOf(fields));
    expect(new Set([hashOf({}), ...others]).size).toBe(7);
  });
});
