import { describe, expect, it } from 'vitest';
import type { AssetName } from '#libs/domain';
import {
  batchUse,
  charge,
  FEE_LIMIT_MAX_SUN,
  feeLimitSun,
  mostUse,
  NOTHING_STAKED,
  singlesUse,
} from './costs.js';
import { draftOf } from './draft.js';
import type { Payable, PlannedBatch } from './plan.js';
import { Purse } from './purse.js';
import { cheapestWay, waysToPay } from './ways.js';

const prices = {
  energySun: 100n,
  bandwidthSun: 1_000n,
  activationSun: 1_000_000n,
  activationBandwidthSun: 100_000n,
};
const terms = { energyBase: 400_000n, energyPerPayout: 70_000n };
const rich = { ...NOTHING_STAKED, trxSun: 10n ** 12n };

describe('charge', () => {
  const use = { energy: 1_000n, transactionBytes: [400n], activations: 0n };

  it('burns TRX for what nothing is staked for', () => {
    const { feeSun, left } = charge(rich, use, prices);
    expect(feeSun).toBe(100_000n + 400_000n);
    expect(left.trxSun).toBe(rich.trxSun - 500_000n);
  });

  it('takes staked energy first, and only the rest from TRX', () => {
    const some = charge({ ...rich, energyLeft: 600n }, use, prices);
    expect(some.feeSun).toBe(40_000n + 400_000n);
    expect(some.left.energyLeft).toBe(0n);
    const enough = charge({ ...rich, energyLeft: 1_500n, bandwidthLeft: 400n }, use, prices);
    expect(enough).toMatchObject({ feeSun: 0n, left: { energyLeft: 500n, bandwidthLeft: 0n } });
  });

  it('pays the bytes of a transaction from one allowance as a whole', () => {
    const two = { ...use, energy: 0n, transactionBytes: [400n, 400n] };
    const split = { ...rich, bandwidthLeft: 399n, freeBandwidthLeft: 600n };
    const { feeSun, left } = charge(split, two, prices);
    expect(feeSun).toBe(400_000n);
    expect(left).toMatchObject({ bandwidthLeft: 399n, freeBandwidthLeft: 200n });
  });

  it('charges for each account that comes into being, which free bandwidth does not pay for', () => {
    const fresh = singlesUse('TRC10_BTTOLD', 2, 1);
    const { feeSun } = charge({ ...rich, freeBandwidthLeft: 10_000n }, fresh, prices);
    expect(feeSun).toBe(1_100_000n);
    const staked = charge({ ...rich, bandwidthLeft: 10_000n }, fresh, prices);
    expect(staked.feeSun).toBe(1_000_000n);
  });
});

const sent = (payees: number, asset: AssetName = 'TRC20_BTT') => ({
  asset,
  payees,
  toClaim: false,
});
const claimed = (payees: number) => ({ ...sent(payees), toClaim: true });

describe('feeLimitSun', () => {
  const limit = (payees: number, energySun: bigint) =>
    feeLimitSun(mostUse(sent(payees), terms), energySun);

  it('grows with the batch, and is never cut to what the chain allows', () => {
    expect(limit(1, 100n)).toBe(47_000_000n);
    expect(limit(200, 100n)).toBe(1_440_000_000n);
    expect(limit(200, 1_041n)).toBeLessThan(FEE_LIMIT_MAX_SUN);
    expect(limit(200, 1_042n)).toBeUndefined();
  });
});

describe('Purse', () => {
  const reserveBaseUnits = { TRC20_BTT: 5n * 10n ** 15n, TRC10_BTTOLD: 5n };
  const most = mostUse(sent(1), terms);
  const cost = charge(NOTHING_STAKED, most, prices).feeSun;
  const purse = (trxSun: bigint, energyLeft = 0n) =>
    new Purse({ allowance: { ...NOTHING_STAKED, trxSun, energyLeft }, reserveBaseUnits }, prices);

  it('names what is lacking', () => {
    expect(purse(cost).lack('TRC20_BTT', 5n, most)).toBeUndefined();
    expect(purse(cost - 1n).lack('TRC20_BTT', 5n, most)).toMatchObject({ of: 'trx' });
    const short = purse(cost).lack('TRC20_BTT', 6n, most);
    expect(short).toMatchObject({ of: 'TRC20_BTT' });
    expect(short?.text).toContain('the reserve of TRC20_BTT is short');
  });

  it('needs no TRX for energy that is staked', () => {
    expect(purse(1_000_000n, most.energy).lack('TRC20_BTT', 5n, most)).toBeUndefined();
    expect(purse(1_000_000n, most.energy / 2n).lack('TRC20_BTT', 5n, most)).toBeDefined();
  });

  it('remembers what was taken', () => {
    const taken = purse(2n * cost - 1n);
    expect(taken.take('TRC20_BTT', 3n, most)).toBe(cost);
    expect(taken.lack('TRC20_BTT', 2n, most)).toMatchObject({ of: 'trx' });
    expect(taken.lack('TRC10_BTTOLD', 6n, singlesUse('TRC10_BTTOLD', 1, 0))).toMatchObject({
      of: 'TRC10_BTTOLD',
    });
  });
});

describe('waysToPay', () => {
  const dear = { ...prices, bandwidthSun: 0n };

  it.each([1, 10, 200])(
    'pays %i TRC-20 payees by the vault and tells what else would cost',
    (n) => {
      const ways = waysToPay(sent(n), prices);
      expect(ways.map(({ way }) => way)).toEqual(['single', 'batch', 'claim']);
      expect(cheapestWay(ways).way).toBe('batch');
      for (const { way, unfit } of ways) expect(unfit === '').toBe(way === 'batch');
    },
  );

  it.each([1, 10, 200])('lets %i payees claim who have asked for it, and nobody else', (n) => {
    const ways = waysToPay(claimed(n), prices);
    expect(cheapestWay(ways).way).toBe('claim');
    for (const { way, unfit } of ways) expect(unfit === '').toBe(way === 'claim');
    const [, batch, claim] = ways;
    expect(claim?.operatorSun).toBeLessThan(batch?.operatorSun ?? 0n);
    expect(mostUse(claimed(n), terms).energy).toBe(150_000n);
  });

  it('pays TRC-10 by transfers, which is all there is', () => {
    expect(cheapestWay(waysToPay(sent(1, 'TRC10_BTTOLD'), prices)).way).toBe('single');
  });

  it('knows that a batch never saves energy, and saves bandwidth when it is large', () => {
    const cost = (n: number, at: typeof prices) => {
      const [single, batch] = waysToPay(sent(n), at);
      return (batch?.operatorSun ?? 0n) - (single?.operatorSun ?? 0n);
    };
    for (const n of [1, 10, 200]) expect(cost(n, dear)).toBeGreaterThan(0n);
    expect(cost(10, prices)).toBeGreaterThan(0n);
    expect(cost(100, prices)).toBeLessThan(0n);
  });

  it('takes the cheapest of several, counting what payees pay, and fails without any', () => {
    const way = (name: 'single' | 'claim', operatorSun: bigint, payeesSun: bigint) => ({
      way: name,
      operatorSun,
      payeesSun,
      unfit: '',
    });
    expect(cheapestWay([way('single', 5n, 0n), way('claim', 1n, 5n)]).way).toBe('single');
    expect(cheapestWay([way('single', 5n, 0n), way('claim', 1n, 3n)]).way).toBe('claim');
    expect(() => cheapestWay([])).toThrow('no way');
  });
});

describe('draftOf', () => {
  const payable = (number: number): Payable => ({
    withdrawalId: new Uint8Array(32).fill(number),
    asset: 'TRC20_BTT',
    destination: `payee ${number}`,
    units: 5n,
    failures: 0,
    batchMax: null,
    toClaim: false,
  });
  const batch = (asset: 'TRC20_BTT' | 'TRC10_BTTOLD', payees: number): PlannedBatch => ({
    asset,
    payouts: Array.from({ length: payees }, (_, at) => ({ ...payable(at), asset })),
    totalUnits: 5n * BigInt(payees),
    needsApproval: false,
    toClaim: false,
  });
  const reserveBaseUnits = { TRC20_BTT: 100n * 10n ** 15n, TRC10_BTTOLD: 100n };
  const draft = (batches: PlannedBatch[], change = {}, price = prices) =>
    draftOf(batches, {
      ...terms,
      funds: { allowance: { ...rich, ...change }, reserveBaseUnits },
      prices: price,
      hasAccount: () => true,
    });

  it('adds up what each transaction needs', () => {
    const both = draft([batch('TRC20_BTT', 10), batch('TRC10_BTTOLD', 1)]);
    expect(both.transactions.map(({ way, lack }) => [way, lack])).toEqual([
      ['batch', ''],
      ['single', ''],
    ]);
    expect(both).toMatchObject({ payouts: 11, totalUnits: 55n, energy: batchUse(10).energy });
    expect(both.feeSun).toBe(
      both.transactions.reduce((sum, transaction) => sum + transaction.feeSun, 0n),
    );
    expect(both.feeMaxSun).toBeGreaterThan(both.feeSun);
    expect(both.ways.map(({ way }) => way)).toEqual(['single', 'batch', 'claim']);
  });

  it('spends a stake once', () => {
    const energyLeft = batchUse(10).energy;
    const two = draft([batch('TRC20_BTT', 10), batch('TRC20_BTT', 10)], { energyLeft });
    const [first, second] = two.transactions.map(({ feeSun }) => feeSun);
    expect(second).toBe(first! + energyLeft * prices.energySun);
  });

  it('says what is lacking before anything is signed', () => {
    const lacks = (d: ReturnType<typeof draft>) => d.transactions.map(({ lack }) => lack);
    expect(lacks(draft([batch('TRC20_BTT', 20), batch('TRC20_BTT', 1)]))).toEqual([
      '',
      expect.stringContaining('the reserve of TRC20_BTT is short'),
    ]);
    expect(lacks(draft([batch('TRC20_BTT', 1)], { trxSun: 1n }))).toEqual([
      expect.stringContaining('lacks TRX'),
    ]);
    const dear = { ...prices, energySun: 20_000n };
    expect(lacks(draft([batch('TRC20_BTT', 10)], {}, dear))).toEqual([
      expect.stringContaining('fee limit'),
    ]);
  });
});
