import { describe, expect, it } from 'vitest';
import { Asset, PayoutWay, SettlementPlan, UndecidedBatch } from '#libs/contracts';
import { grouped, planText, trx, waitingText } from './plan-text.js';

const plan = (change: Parameters<typeof SettlementPlan.fromPartial>[0]) =>
  planText(SettlementPlan.fromPartial(change)).join('\n');
const batch = {
  asset: Asset.TRC20_BTT,
  way: PayoutWay.BATCH,
  payouts: 2,
  totalUnits: 3_500_000n,
  energy: 93_056n,
  feeSun: 9_878_600n,
  payees: [{ destination: 'TPayee', amountUnits: 3_500_000n }],
};

describe('planText', () => {
  it('says who gets what, what it costs and what it saves', () => {
    const text = plan({
      transactions: [batch],
      payouts: 2n,
      energy: 93_056n,
      energyStaked: 50_000n,
      energyPriceSun: 100n,
      feeSun: 9_000_000n,
      singlesFeeSun: 10_000_000n,
    });
    expect(text).toContain('TRC20_BTT batch of 2: 3.5 BTTOLD, 93 056 energy, 9.878600 TRX');
    expect(text).toContain('TPayee 3.5');
    expect(text).toContain('… and 1 more');
    expect(text).toContain('of which 43 056 must be bought');
    expect(text).toContain('saving   1.000000 TRX (10 %)');
  });

  it('admits when nothing is saved', () => {
    const text = plan({ transactions: [batch], payouts: 2n, feeSun: 12n, singlesFeeSun: 10n });
    expect(text).toContain('none: 0.000002 TRX (20 %) more than single transfers');
  });

  it('says what is lacking, what is blocked and what waits, once each', () => {
    const lacking = { ...batch, lack: 'no TRX', needsApproval: true };
    const text = plan({ transactions: [lacking, lacking], payouts: 4n, blocked: 'no TRX' });
    expect(text.match(/LACKING: no TRX/g)).toHaveLength(1);
    expect(text).toContain('SETTLEMENT IS PAUSED: no TRX');
    expect(text).toContain('2 of them will wait for an operator');
  });

  it('says that settlement is paused also when nothing is due', () => {
    expect(plan({ blocked: 'no TRX', hotWallet: 'THot', hotWalletSun: 1n })).toBe(
      'Nothing is due.\nwallet   THot has 0.000001 TRX\nSETTLEMENT IS PAUSED: no TRX',
    );
  });

  it('stays short however much is due', () => {
    const text = plan({ transactions: Array.from({ length: 50 }, () => batch), payouts: 100n });
    expect(text.split('\n').length).toBeLessThan(60);
    expect(text).toContain('… and 40 more transactions');
    expect(plan({})).toMatch(/^Nothing is due\.\nwallet .*$/);
  });
});

describe('waitingText', () => {
  const waiting = UndecidedBatch.fromPartial({
    batch: {
      batchNo: 7n,
      asset: Asset.TRC20_BTT,
      payouts: 12,
      totalUnits: 3_500_000n,
      plannedAtMs: 0n,
    },
    way: PayoutWay.CLAIM,
    feeSun: 6_400_000n,
  });

  it('says what a batch that waits would pay, by which way and to whom, and how to decide', () => {
    const payee = {
      withdrawalId: Buffer.alloc(32),
      destination: 'TPayee',
      amountUnits: 3_500_000n,
    };
    const payees = Array.from({ length: 12 }, () => payee);
    const lines = waitingText(waiting, payees);
    expect(lines[0]).toBe(
      'batch 7 waits for an operator since 1970-01-01T00:00:00.000Z: TRC20_BTT claims of 12, 3.5 BTTOLD, about 6.400000 TRX if nothing is staked; --approve 7 or --reject 7',
    );
    expect(lines[1]).toBe('  TPayee 3.5');
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('  … and 2 more');
  });
});

describe('numbers', () => {
  it('are told as people read them', () => {
    expect([grouped(1_234_567), grouped(12), trx(-1n), trx(12_345_678n)]).toEqual([
      '1 234 567',
      '12',
      '-0.000001 TRX',
      '12.345678 TRX',
    ]);
  });
});
