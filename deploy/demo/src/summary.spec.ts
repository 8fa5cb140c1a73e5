import { describe, expect, it } from 'vitest';
import { firstStartSeconds, type Summary, summaryJson, summaryTable } from './summary.js';

const summary: Summary = {
  depositedUnits: 9_007_199_254_740_993n,
  withdrawnUnits: 1_500_000n,
  feesUnits: 100n,
  torrentPiecesPaid: 256,
  torrentVerified: true,
  channelsOpened: 20,
  channelsClosed: 20,
  vouchersAccepted: 17_000,
  vouchersRejected: 12,
  ticksAccepted: 6_000,
  auctionRounds: 2,
  matches: 10,
  settlementBatches: 11,
  onChainTransactions: 71,
  conserved: true,
  firstStartSeconds: null,
  seed: 3,
  streamReconnects: 0,
  figuresChecked: 900,
  seconds: 31.25,
  differences: [],
};

describe('the summary', () => {
  it('keeps every unit in JSON', () => {
    const json = summaryJson(summary);
    expect(json).not.toContain('\n');
    expect(JSON.parse(json)).toMatchObject({
      depositedUnits: '9007199254740993',
      withdrawnUnits: '1500000',
      vouchersAccepted: 17_000,
      conserved: true,
      firstStartSeconds: null,
    });
  });

  it('is a table for people', () => {
    const table = summaryTable(summary, false);
    expect(table).toContain('withdrawn           1.5 BTTOLD');
    expect(table).toContain('17,000');
    expect(summaryTable({ ...summary, conserved: false }, true)).toContain('\u001b[31m');
  });

  it('reads the launcher’s seconds', () => {
    expect([undefined, '', 'x', '12.5'].map(firstStartSeconds)).toEqual([null, null, null, 12.5]);
  });
});
