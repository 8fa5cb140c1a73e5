import { describe, expect, it } from 'vitest';
import { Batch } from '#libs/contracts';
import type { BookedPayout } from './books.repository.js';
import type { ChainRecord } from './chain-record.js';
import { amountOf, payeeOf } from './due.js';
import { differences } from './reconcile.js';
import { runsOf } from './rehearse.js';
import { costBySize } from './report.js';

const due = [{ withdrawalId: 'a1', destination: 'TOne', amountUnits: 12n, netUnits: 10n }];
const booked: BookedPayout = {
  withdrawalId: 'a1',
  ledgerState: 7,
  ledgerTxid: 'tx',
  withdrawn: 12n,
  paid: 10n,
  fee: 2n,
  refunded: 0n,
  payoutState: 4,
  payoutUnits: 10n,
  lines: 1n,
};
const payment = { to: 'TOne', baseUnits: 10n * 10n ** 15n, txid: 'tx' };
const chain = (...payments: ChainRecord['payments'][number][]): ChainRecord => ({
  payments,
  costs: new Map(),
});

describe('differences', () => {
  it('finds none where everybody was paid once', () => {
    expect(differences(due, [booked], chain(payment))).toEqual([]);
  });

  it.each<[string, Partial<BookedPayout>]>([
    ['state in the ledger', { ledgerState: 6 }],
    ['taken from the account', { withdrawn: 13n }],
    ['paid by the journal', { paid: 20n }],
    ['fee in the journal', { fee: 1n }],
    ['given back', { refunded: 12n }],
    ['state in settlement', { payoutState: 3 }],
    ['paid by settlement', { payoutUnits: null }],
    ['lines of batches', { lines: 2n }],
    ['the chain tx', { ledgerTxid: 'other' }],
  ])('names what is wrong: %s', (words, change) => {
    const found = differences(due, [{ ...booked, ...change }], chain(payment));
    expect(found).toEqual([expect.stringContaining(words)]);
  });

  it('finds payments that are missing, double, wrong or to nobody', () => {
    const found = (...payments: ChainRecord['payments'][number][]) =>
      differences(due, [booked], chain(...payments)).join();
    expect(found()).toContain('paid 0 times');
    expect(found(payment, payment)).toContain('paid 2 times');
    expect(found({ ...payment, baseUnits: 1n })).toContain('paid 1 base units');
    expect(found(payment, { ...payment, to: 'TThief' })).toContain('TThief was paid');
  });

  it('finds withdrawals that are unknown to one side', () => {
    expect(differences(due, [], chain(payment)).join()).toContain('is not in the ledger');
    const stranger = { ...booked, withdrawalId: 'b2' };
    expect(differences(due, [booked, stranger], chain(payment)).join()).toContain('b2 was asked');
  });
});

describe('the payouts of a rehearsal', () => {
  it('are split so that the cost by batch size is seen, when there are enough', () => {
    expect(runsOf(10_000)).toEqual([1, 10, 50, 100, 9_839]);
    expect(runsOf(250)).toEqual([1, 10, 239]);
    expect(runsOf(1)).toEqual([1]);
    for (const payouts of [1, 200, 210, 260, 599, 20_000]) {
      expect(runsOf(payouts).reduce((sum, count) => sum + count, 0)).toBe(payouts);
    }
  });

  it('go to addresses of their own, each of another amount than its neighbours', () => {
    const numbers = Array.from({ length: 2_000 }, (_, number) => number);
    expect(new Set(numbers.map(payeeOf)).size).toBe(2_000);
    expect(amountOf(1, 100n) - amountOf(0, 100n)).toBe(1n);
  });

  it('cost what batches of their size cost in the mean', () => {
    const batch = (payouts: number, energyUsed: bigint, feeSun: bigint) =>
      Batch.fromPartial({ payouts, energyUsed, feeSun });
    expect(costBySize([batch(2, 40n, 8n), batch(1, 30n, 5n), batch(2, 60n, 4n)])).toEqual([
      [1, { energy: 30, feeSun: 5 }],
      [2, { energy: 25, feeSun: 3 }],
    ]);
  });
});
