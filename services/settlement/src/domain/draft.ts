import type { Units } from '#libs/domain';
import {
  batchUse,
  charge,
  claimUse,
  type EnergyTerms,
  feeLimitSun,
  mostUse,
  type Prices,
  singlesUse,
} from './costs.js';
import type { PlannedBatch } from './plan.js';
import { type Funds, Purse } from './purse.js';
import { cheapestWay, type Way, type WayCost, waysToPay } from './ways.js';

/** A transaction that a run would make, with what it would cost; fees in sun. */
export type DraftTransaction = PlannedBatch & {
  readonly way: Way;
  readonly energy: bigint;
  /** Beyond what is staked. */
  readonly feeSun: bigint;
  /** What the hot wallet must have for it. */
  readonly feeMaxSun: bigint;
  /** What a transfer of its own for each payee would cost, with the same stake. */
  readonly singlesFeeSun: bigint;
  /** Why it could not be signed now, else empty. */
  readonly lack: string;
};

/** What a run would do now. */
export type Draft = {
  readonly transactions: readonly DraftTransaction[];
  readonly payouts: number;
  readonly totalUnits: Units;
  readonly energy: bigint;
  readonly feeSun: bigint;
  readonly feeMaxSun: bigint;
  /** What the same payouts would cost by single transfers, with the same stake. */
  readonly singlesFeeSun: bigint;
  /** What every way to pay the TRC-20 payees would cost if nothing were staked; empty without any. */
  readonly ways: readonly WayCost[];
};

/** What a draft depends on. `hasAccount` tells whether an address exists on chain, for TRC-10. */
export type DraftTerms = EnergyTerms & {
  readonly funds: Funds;
  readonly prices: Prices;
  readonly hasAccount: (address: string) => boolean;
};

/** Works out what planned batches would cost and what is lacking for them, in the order of signing. */
export function draftOf(batches: readonly PlannedBatch[], terms: DraftTerms): Draft {
  const { funds, prices } = terms;
  const purse = new Purse(funds, prices);
  let expected = funds.allowance;
  let singles = funds.allowance;
  let singlesFeeSun = 0n;
  const transactions = batches.map((batch): DraftTransaction => {
    const { asset, payouts, totalUnits } = batch;
    const shape = { asset, payees: payouts.length, toClaim: batch.toClaim };
    const { way } = cheapestWay(waysToPay(shape, prices));
    const fresh = payouts.filter(({ destination }) => !terms.hasAccount(destination)).length;
    const bySingles = singlesUse(asset, payouts.length, fresh);
    const use = { single: bySingles, batch: batchUse(payouts.length), claim: claimUse() }[way];
    const most = mostUse(shape, terms);
    const dear = way !== 'single' && feeLimitSun(most, prices.energySun) === undefined;
    const lack = dear
      ? 'its fee limit would be above what the chain allows'
      : (purse.lack(asset, totalUnits, most)?.text ?? '');
    const step = charge(expected, use, prices);
    const single = charge(singles, bySingles, prices);
    expected = step.left;
    singles = single.left;
    singlesFeeSun += single.feeSun;
    return {
      ...batch,
      way,
      energy: use.energy,
      feeSun: step.feeSun,
      feeMaxSun: purse.take(asset, totalUnits, most),
      singlesFeeSun: single.feeSun,
      lack,
    };
  });
  const sum = (of: (transaction: DraftTransaction) => bigint) =>
    transactions.reduce((total, transaction) => total + of(transaction), 0n);
  return {
    transactions,
    payouts: transactions.reduce((total, { payouts }) => total + payouts.length, 0),
    totalUnits: sum(({ totalUnits }) => totalUnits),
    energy: sum(({ energy }) => energy),
    feeSun: sum(({ feeSun }) => feeSun),
    feeMaxSun: sum(({ feeMaxSun }) => feeMaxSun),
    singlesFeeSun,
    ways: sumWays(batches, prices),
  };
}

function sumWays(batches: readonly PlannedBatch[], prices: Prices): WayCost[] {
  const sums = new Map<Way, WayCost>();
  for (const { asset, payouts, toClaim } of batches) {
    if (asset !== 'TRC20_BTT') continue;
    for (const cost of waysToPay({ asset, payees: payouts.length, toClaim }, prices)) {
      const { operatorSun = 0n, payeesSun = 0n, unfit = cost.unfit } = sums.get(cost.way) ?? {};
      sums.set(cost.way, {
        ...cost,
        // Taken for some of them.
        unfit: cost.unfit === '' ? '' : unfit,
        operatorSun: operatorSun + cost.operatorSun,
        payeesSun: payeesSun + cost.payeesSun,
      });
    }
  }
  return [...sums.values()];
}
