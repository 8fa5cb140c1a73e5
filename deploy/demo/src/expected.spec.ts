import { describe, expect, it } from 'vitest';
import { ExpectedBooks } from './expected.js';

const id = (byte: number) => new Uint8Array(32).fill(byte);
const none = { availableUnits: 0n, heldUnits: 0n, inChannelsUnits: 0n, withdrawingUnits: 0n };

describe('ExpectedBooks', () => {
  it('follows a unit from its deposit to its payout', () => {
    const books = new ExpectedBooks();
    books.deposit('payer', 'TRC20_BTT', 100n);
    books.open('payer', 'payee', id(1), 60n);
    expect(books.balancesOf('payer')).toEqual({
      ...none,
      availableUnits: 40n,
      inChannelsUnits: 60n,
    });
    books.paid(id(1), 10n);
    books.paid(id(1), 25n);
    books.paid(id(1), 20n);
    expect(books.cumulativeUnits(id(1))).toBe(25n);
    books.close(id(1));
    books.close(id(1));
    expect(books.balancesOf('payer')).toEqual({ ...none, availableUnits: 75n });
    const payout = {
      account: 'payee',
      asset: 'TRC10_BTTOLD',
      amountUnits: 25n,
      feeUnits: 5n,
    } as const;
    books.withdraw(id(2), payout);
    expect(books.balancesOf('payee')).toEqual({ ...none, withdrawingUnits: 25n });
    books.paidOut(id(2));
    expect(books.totals()).toEqual({
      depositedUnits: { TRC20_BTT: 100n, TRC10_BTTOLD: 0n },
      withdrawnUnits: { TRC20_BTT: 0n, TRC10_BTTOLD: 20n },
      feesUnits: 5n,
      heldByAccountsUnits: 75n,
      channelsOpened: 1,
      channelsClosed: 1,
    });
  });

  it('opens leases from a hold and gives the rest back', () => {
    const books = new ExpectedBooks();
    books.deposit('payer', 'TRC10_BTTOLD', 50n);
    books.hold('payer', id(1), 30n);
    books.lease(id(1), id(2), 'payee', 20n);
    expect(books.balancesOf('payer')).toMatchObject({ heldUnits: 10n, inChannelsUnits: 20n });
    books.release(id(1));
    books.release(id(1));
    expect(books.balancesOf('payer')).toMatchObject({ availableUnits: 30n, heldUnits: 0n });
  });

  it('throws where the demo would spend what it has not', () => {
    const books = new ExpectedBooks();
    books.deposit('payer', 'TRC10_BTTOLD', 5n);
    expect(() => books.open('payer', 'payee', id(1), 6n)).toThrow('would have -1');
    books.open('payer', 'payee', id(2), 5n);
    expect(() => books.paid(id(2), 6n)).toThrow('would have -1');
    expect(() => books.open('payer', 'payee', id(2), 0n)).toThrow('twice');
    expect(() => books.paid(id(3), 1n)).toThrow('never opened');
    expect(() => books.lease(id(3), id(4), 'payee', 1n)).toThrow('without a hold');
    expect(() => books.release(id(3))).toThrow('without a hold');
    expect(() => books.paidOut(id(3))).toThrow('unknown withdrawal');
    books.close(id(2));
    expect(() => books.paid(id(2), 5n)).toThrow('closed channel');
  });
});
