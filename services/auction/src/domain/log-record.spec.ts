import { describe, expect, it } from 'vitest';
import { decideRecord, eventsOf, type KnownOrder, type LogCommand } from './log-record.js';
import type { OrderState } from './order.js';
import { askWith, bidWith } from './order.samples.js';

const contentHash = Uint8Array.of(1);
const placed = { order: bidWith(1, { slotsOpen: 2 }), digest: new Uint8Array(), contentHash };
const place: LogCommand = { kind: 'place', placed };
const cancel: LogCommand = { kind: 'cancel', orderId: placed.order.orderId };
const known = (state: OrderState, fields: Partial<KnownOrder> = {}): KnownOrder => ({
  order: placed.order,
  contentHash,
  state,
  ...fields,
});

describe('decideRecord', () => {
  it.each<[string, LogCommand, KnownOrder | undefined, object]>([
    ['opens an order that nobody knows', place, undefined, { kind: 'open' }],
    ['opens a pending order', place, known('pending'), { kind: 'open' }],
    ['ignores a repeated order', place, known('open'), { kind: 'ignore', why: 'repeated' }],
    [
      'ignores an order that is filled',
      place,
      known('filled'),
      { kind: 'ignore', why: 'repeated' },
    ],
    ['ignores an order that was cancelled', place, known('cancelled'), { kind: 'ignore' }],
    [
      'ignores an id with other content',
      place,
      known('pending', { contentHash: Uint8Array.of(2) }),
      { kind: 'ignore', why: 'id reused' },
    ],
    [
      'releases again what expired before it came',
      place,
      known('expired'),
      { kind: 'release', cause: 'expired' },
    ],
    [
      'does not release what had matched before it expired',
      place,
      known('expired', { order: { ...placed.order, slotsOpen: 1 } }),
      { kind: 'ignore', why: 'repeated' },
    ],
    ['cancels an open order', cancel, known('open'), { kind: 'cancel' }],
    [
      'does not cancel what is not in the book',
      cancel,
      known('pending'),
      { kind: 'ignore', why: 'not open' },
    ],
    ['does not cancel twice', cancel, known('cancelled'), { kind: 'ignore', why: 'not open' }],
    ['does not cancel the unknown', cancel, undefined, { kind: 'ignore', why: 'not open' }],
  ])('%s', (_name, command, before, effect) => {
    expect(decideRecord(command, before)).toMatchObject(effect);
  });
});

describe('eventsOf', () => {
  it('releases the hold of a cancelled or stranded bid and nothing else', () => {
    const bidId = placed.order.orderId;
    expect(eventsOf({ kind: 'cancel', order: placed.order })).toEqual([
      { kind: 'release', bidId, cause: 'cancelled' },
    ]);
    expect(eventsOf({ kind: 'release', order: placed.order, cause: 'expired' })).toEqual([
      { kind: 'release', bidId, cause: 'expired' },
    ]);
    expect(eventsOf({ kind: 'cancel', order: askWith(1) })).toEqual([]);
    expect(eventsOf({ kind: 'open', placed })).toEqual([]);
    expect(eventsOf({ kind: 'ignore', why: 'repeated' })).toEqual([]);
  });
});
