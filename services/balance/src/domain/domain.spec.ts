import { describe, expect, it } from 'vitest';
import { WITHDRAWAL_STATES, type WithdrawalState } from '#libs/domain';
import { checkBidTerms } from './bid-rules.js';
import { firstDifference } from './conservation.js';
import { encodeCursor, parsePage } from './cursor.js';
import { balanceChanges, side } from './posting.js';
import { decideAdvance, isCancellable } from './withdrawal.js';

describe('postings', () => {
  it('net to what each account gained, reserve the other way round, in locking order', () => {
    const changes = balanceChanges([
      { kind: 'deposit', debit: side('reserve', 1n), credit: side('available', 9n), units: 10n },
      { kind: 'transfer', debit: side('available', 9n), credit: side('available', 2n), units: 4n },
      { kind: 'withdraw-fee', debit: side('withdrawing', 5n), credit: side('fees', 0n), units: 1n },
    ]);
    expect(changes.map(({ account, units }) => [account.kind, account.no, units])).toEqual([
      ['available', 2n, 4n],
      ['available', 9n, 6n],
      ['withdrawing', 5n, -1n],
      ['fees', 0n, 1n],
      ['reserve', 1n, 10n],
    ]);
  });
});

describe('conservation', () => {
  const sums = {
    available: 50n,
    channel: 20n,
    hold: 10n,
    withdrawing: 5n,
    fees: 3n,
    suspense: 2n,
    reserve: 90n,
  };
  const journal = [50n, 20n, 10n, 5n, 3n, -90n, 2n].map((units, at) => ({ kind: at + 1, units }));

  it('holds when journal, tables and reserve agree', () => {
    expect(firstDifference(sums, journal)).toBeUndefined();
  });

  it.each(Object.keys(sums))('names %s when it is one unit off', (name) => {
    const off = { ...sums, [name]: sums[name as keyof typeof sums] + 1n };
    expect(firstDifference(off, journal)).toContain(name);
  });

  it('names what is owed but not there', () => {
    const changed = journal.map((sum) => (sum.kind === 6 ? { ...sum, units: -89n } : sum));
    expect(firstDifference({ ...sums, reserve: 89n }, changed)).toContain('owed 90');
  });
});

describe('withdrawals', () => {
  const states = Object.keys(WITHDRAWAL_STATES) as WithdrawalState[];
  const finals: WithdrawalState[] = ['solidified', 'refunded', 'cancelled'];

  it('never leave a final state, whatever is reported', () => {
    for (const present of finals) {
      for (const reported of states) {
        expect(decideAdvance(present, reported)).toEqual({ do: 'nothing' });
      }
    }
  });

  it('move forward only, pay at solidified and give back at refunded', () => {
    for (const present of states.filter((state) => !finals.includes(state))) {
      for (const reported of states) {
        const { do: action } = decideAdvance(present, reported);
        if (reported === 'solidified') expect(action).toBe('pay');
        else if (reported === 'refunded') expect(action).toBe('refund');
        else if (reported === 'cancelled' || reported === 'requested')
          expect(action).toBe('nothing');
        else {
          const forward = WITHDRAWAL_STATES[reported] > WITHDRAWAL_STATES[present];
          expect(action).toBe(forward ? 'advance' : 'nothing');
        }
      }
    }
  });

  it('can be cancelled until planned', () => {
    expect(states.filter(isCancellable)).toEqual(['requested', 'queued']);
  });
});

describe('cursors', () => {
  it('read back what they were made of', () => {
    const cursor = encodeCursor([12n, -1n, 7n]);
    expect(parsePage({ cursor, limit: 0 }, ['bigint', 'smallint', 'bigint'])).toEqual({
      ok: true,
      value: { after: [12n, -1n, 7n], limit: 100 },
    });
    expect(parsePage(undefined, ['bigint'])).toMatchObject({ ok: true });
  });

  it.each([
    [{ cursor: 'x', limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: encodeCursor([1n]), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: Buffer.from('v1:1:2;drop').toString('base64url'), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: encodeCursor([2n ** 63n, 1n]), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: encodeCursor([-(2n ** 63n) - 1n, 1n]), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: encodeCursor([1n, 2n ** 15n]), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: encodeCursor([1n, 1n, 1n]), limit: 1 }, 'BAD_CURSOR'],
    [{ cursor: '', limit: 501 }, 'LIMIT_EXCEEDED'],
    [{ cursor: '', limit: -1 }, 'LIMIT_EXCEEDED'],
  ])('refuse %j', (page, reason) => {
    expect(parsePage(page, ['bigint', 'smallint'])).toMatchObject({ reason });
  });
});

describe('bids', () => {
  const bid = { slots: 2, priceLimitUnits: 5n, volumeMib: 10n, budgetUnits: 100n };

  it.each([
    [{}, undefined],
    [{ budgetUnits: 99n }, 'BUDGET_TOO_SMALL'],
    [{ slots: 0 }, 'LIMIT_EXCEEDED'],
    [{ slots: 65 }, 'LIMIT_EXCEEDED'],
    [{ priceLimitUnits: 0n }, 'MALFORMED'],
    [{ volumeMib: -1n }, 'MALFORMED'],
    [{ priceLimitUnits: 2n ** 62n }, 'LIMIT_EXCEEDED'],
  ])('number %# are judged by their numbers', (change, reason) => {
    expect(checkBidTerms({ ...bid, ...change })?.reason).toBe(reason);
  });
});
