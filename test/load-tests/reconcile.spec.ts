import { describe, expect, it } from 'vitest';
import type { Corpus } from '../../load-tests/src/corpus.js';
import { readAckLog, reconcile } from '../../load-tests/src/reconcile.js';

const voucher = (channelId: string, cumulativeUnits: number) => ({
  channelId,
  payee: 'T',
  cumulativeUnits: String(cumulativeUnits),
  validUntilMs: '1',
  signature: '',
});
const corpus: Corpus = {
  format: 1,
  requests: [
    { vouchers: [voucher('a', 1), voucher('b', 1)], expected: ['', ''] },
    { vouchers: [voucher('a', 2), voucher('a', 99)], expected: ['', 'ABOVE_DEPOSIT'] },
    { vouchers: [voucher('b', 2)], expected: [''] },
  ],
};

describe('readAckLog', () => {
  it('takes the highest acknowledged amount of each channel', () => {
    const log = readAckLog('ACK 1 1\nACK 0 \n', corpus);
    expect(log).toMatchObject({ answered: 2, ackedVouchers: 3, complaints: [] });
    expect(log.channels.get('a')).toEqual({ channelId: 'a', ackedUnits: 2n, sentUnits: 2n });
    expect(log.channels.get('b')).toEqual({ channelId: 'b', ackedUnits: 1n, sentUnits: 2n });
  });

  it('counts nothing of a request that failed, and keeps the first complaints', () => {
    const log = readAckLog(`${'FAILED 0 {"code":14}\n'.repeat(30)}WRONG 1 0 {}\n`, corpus);
    expect(log.answered).toBe(0);
    expect(log.channels.get('a')?.ackedUnits).toBe(0n);
    expect(log.complaints).toHaveLength(10);
  });

  it.each(['ACK 7 ', 'ACK 0 \nACK 0 '])('refuses a log that cannot be: %j', (text) => {
    expect(() => readAckLog(text, corpus)).toThrow(/not sent, or has it twice/);
  });
});

describe('reconcile', () => {
  const { channels } = readAckLog('ACK 0 \nACK 1 1\n', corpus);

  it('accepts a ledger that owes what was acknowledged, or what was sent and not answered', () => {
    for (const owedByB of [1n, 2n]) {
      const books = reconcile(
        channels,
        new Map([
          ['a', 2n],
          ['b', owedByB],
        ]),
      );
      expect(books).toEqual({ lost: [], invented: [], ackedUnits: 3n, ledgerUnits: 2n + owedByB });
    }
  });

  it('names a channel that owes less than was acknowledged', () => {
    const books = reconcile(channels, new Map([['a', 1n]]));
    expect(books.lost).toEqual(['a owes 1, acknowledged 2', 'b owes 0, acknowledged 1']);
  });

  it('names a channel that owes more than anyone signed', () => {
    const books = reconcile(
      channels,
      new Map([
        ['a', 2n],
        ['b', 3n],
      ]),
    );
    expect(books.invented).toEqual(['b owes 3, sent 2']);
  });
});
