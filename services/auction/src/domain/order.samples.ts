import type { Ask, Bid } from './order.js';

/** Ask number n, with some fields of its own. */
export function askWith(n: number, fields: Partial<Ask> = {}): Ask {
  const slotsOpen = fields.slotsOpen ?? 1;
  return { ...common(n), side: 'ask', slotRateMib: 2, slots: slotsOpen, slotsOpen, ...fields };
}

/** Bid number n, with some fields of its own. */
export function bidWith(n: number, fields: Partial<Bid> = {}): Bid {
  const slotsOpen = fields.slotsOpen ?? 1;
  return {
    ...common(n),
    side: 'bid',
    volumeMib: 10n,
    budgetUnits: 1_000n,
    met: [],
    slots: slotsOpen,
    slotsOpen,
    ...fields,
  };
}

function common(n: number) {
  return {
    orderId: n.toString(16).padStart(64, '0'),
    owner: `T${n}`,
    swarm: 'ab'.repeat(20),
    priceUnits: 5n,
    atMs: 1_000n,
    expiresAtMs: 9_000n,
  };
}
