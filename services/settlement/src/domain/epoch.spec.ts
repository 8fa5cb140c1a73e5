import { describe, expect, it } from 'vitest';
import { placeOf, shortfall } from './epoch.js';
import { BATCH, PAYOUT } from './states.js';

describe('placeOf', () => {
  const facts = {
    payoutState: PAYOUT.batched,
    batchState: BATCH.planned,
    isVault: false,
    isLeaving: false,
  };

  it.each([
    ['nothing known of it', undefined, 'account'],
    ['in the queue', { ...facts, payoutState: PAYOUT.queued }, 'account'],
    ['in a vault batch', { ...facts, isVault: true }, 'line'],
    ['in a vault batch under way', { ...facts, isVault: true, batchState: BATCH.signed }, 'line'],
    ['TRC-10, planned', facts, 'account'],
    ['TRC-10, about to be signed', { ...facts, isLeaving: true }, 'away'],
    ['TRC-10, signed', { ...facts, isLeaving: true, batchState: BATCH.signed }, 'away'],
    // Of a database that was filled before payouts had to leave first.
    ['TRC-10, signed without leaving', { ...facts, batchState: BATCH.broadcast }, 'away'],
    ['paid', { ...facts, payoutState: PAYOUT.paid, isVault: true }, 'away'],
    ['claimable', { ...facts, payoutState: PAYOUT.claimable, isVault: true }, 'away'],
    ['given back', { ...facts, payoutState: PAYOUT.refunded, isVault: true }, 'account'],
  ] as const)('of a withdrawal that is %s', (_name, known, place) => {
    expect(placeOf(known)).toBe(place);
  });
});

describe('shortfall', () => {
  const backing = {
    totalUnits: 100n,
    paidUnits: 10n,
    leavingUnits: 0n,
    trc20ReserveUnits: 60n,
    trc10ReserveUnits: 30n,
  };

  it('counts what is in no leaf and not paid yet as owed', () => {
    expect(shortfall(backing)).toBeUndefined();
    expect(shortfall({ ...backing, leavingUnits: 1n })).toMatch(/^91 units are owed and 90/);
    expect(shortfall({ ...backing, totalUnits: 101n })).toMatch(/^91 units are owed and 90/);
  });
});
