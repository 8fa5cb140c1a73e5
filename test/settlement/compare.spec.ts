import { describe, expect, it } from 'vitest';
import { compare, type Evidence } from './src/check/compare.js';

const UNIT = 10n ** 15n;
const PAYEE = '41aa';
const PAYER = '41bb';
const movement = { asset: 'TRC20_BTT', txid: 't1', from: '41f0', to: PAYEE, block: 9 } as const;
const deposit = {
  asset: 'TRC10_BTTOLD',
  txid: 'd1',
  from: PAYER,
  to: '41f1',
  baseUnits: 9n,
  block: 9,
} as const;
const row = {
  txid: 'd1',
  index: 0,
  asset: 'TRC10_BTTOLD',
  account: PAYER,
  units: 9n,
  postings: 1,
} as const;
const back = { id: 'w1', state: 8, paidUnits: 0n, refundedUnits: 6n, openUnits: 0n };
const paid = { id: 'w1', state: 7, paidUnits: 5n, refundedUnits: 0n, openUnits: 0n };

const asked = {
  id: 'w1',
  asset: 'TRC20_BTT',
  destination: PAYEE,
  netUnits: 5n,
  amountUnits: 6n,
  epochAfter: undefined,
} as const;

/** A withdrawal that was paid and a deposit that was credited, as they should be. */
const truth: Evidence = {
  asked: [asked],
  out: [{ ...movement, baseUnits: 5n * UNIT }],
  in: [deposit],
  withdrawals: [paid],
  deposits: [row],
  epochs: [],
  ignoredTo: new Set(),
  noAccounts: new Set(),
};
const kinds = (change: Partial<Evidence>) =>
  compare({ ...truth, ...change }).map(({ kind }) => kind);

describe('the checker', () => {
  it('finds nothing where chain, ledger and requests agree', () => {
    expect(compare(truth)).toEqual([]);
    const open = { ...paid, state: 5, paidUnits: 0n, openUnits: 6n };
    expect(kinds({ withdrawals: [open] })).toEqual([]);
    expect(kinds({ withdrawals: [{ ...open, state: 4 }], out: [] })).toEqual([]);
    expect(kinds({ withdrawals: [{ ...open, state: 10 }], out: [] })).toEqual([]);
    expect(kinds({ withdrawals: [back], out: [] })).toEqual([]);
    expect(kinds({ asked: [{ ...asked, epochAfter: 3 }], epochs: [4] })).toEqual([]);
  });

  it.each<[string, string[], Partial<Evidence>]>([
    [
      'two payments',
      ['doubled', 'lost'],
      { out: [...truth.out, { ...movement, txid: 't2', baseUnits: 5n * UNIT }] },
    ],
    [
      'a payment above the amount',
      ['doubled', 'lost'],
      { out: [{ ...movement, baseUnits: 6n * UNIT }] },
    ],
    [
      'two payments in parts',
      ['doubled'],
      {
        out: [
          { ...movement, baseUnits: 2n * UNIT },
          { ...movement, txid: 't2', baseUnits: 3n * UNIT },
        ],
      },
    ],
    ['paid in the books only', ['lost'], { out: [] }],
    ['paid less than asked', ['lost'], { out: [{ ...movement, baseUnits: 5n * UNIT - 1n }] }],
    [
      'the other asset',
      ['invented'],
      { out: [{ ...movement, asset: 'TRC10_BTTOLD', baseUnits: 5n * UNIT }] },
    ],
    [
      'a payment nobody asked for',
      ['invented'],
      { out: [...truth.out, { ...movement, to: '41cc', baseUnits: 1n }] },
    ],
    ['unknown to the ledger', ['lost'], { withdrawals: [] }],
    [
      'paid and given back',
      ['doubled'],
      { withdrawals: [{ ...paid, state: 8, paidUnits: 0n, refundedUnits: 6n }] },
    ],
    ['given back in part', ['lost'], { withdrawals: [{ ...back, refundedUnits: 5n }], out: [] }],
    ['given back twice', ['doubled'], { withdrawals: [{ ...back, refundedUnits: 12n }], out: [] }],
    ['paid before any epoch', ['books'], { asked: [{ ...asked, epochAfter: 3 }] }],
    [
      'paid before an epoch that knows of it',
      ['books'],
      { asked: [{ ...asked, epochAfter: 3 }], epochs: [2, 3, 9] },
    ],
    ['booked as both', ['doubled'], { withdrawals: [{ ...paid, refundedUnits: 5n }] }],
    ['ended with units left', ['books'], { withdrawals: [{ ...paid, openUnits: 1n }] }],
    ['open with nothing left', ['books'], { withdrawals: [{ ...paid, state: 4 }] }],
  ])('names a payout that is %s', (_what, expected, change) => {
    expect(kinds(change)).toEqual(expected);
  });

  it.each<[string, string[], Partial<Evidence>]>([
    ['not credited', ['lost'], { deposits: [] }],
    ['credited with another amount', ['lost'], { deposits: [{ ...row, units: 9_000n }] }],
    ['credited to somebody else', ['lost'], { deposits: [{ ...row, account: PAYEE }] }],
    ['credited as another asset', ['lost'], { deposits: [{ ...row, asset: 'TRC20_BTT' }] }],
    ['credited twice', ['doubled'], { deposits: [row, { ...row, index: 1 }] }],
    ['posted twice', ['doubled'], { deposits: [{ ...row, postings: 2 }] }],
    ['on no chain', ['invented'], { in: [] }],
  ])('names a deposit that is %s', (_what, expected, change) => {
    expect(kinds(change)).toEqual(expected);
  });

  it('lets dust, suspense and the rig’s own transfers be', () => {
    const dust = { ...deposit, asset: 'TRC20_BTT', txid: 'd2', baseUnits: UNIT - 1n } as const;
    expect(kinds({ in: [deposit, dust] })).toEqual([]);
    expect(kinds({ deposits: [{ ...row, account: undefined }] })).toEqual([]);
    const own = { ...movement, to: '41cc', baseUnits: 1n };
    expect(kinds({ out: [...truth.out, own], ignoredTo: new Set(['41cc']) })).toEqual([]);
    expect(kinds({ deposits: [], noAccounts: new Set([PAYER]) })).toEqual([]);
  });
});
