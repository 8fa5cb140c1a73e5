import { assetToWire, PayoutWay, type SettlementPlan, type UndecidedBatch } from '#libs/contracts';
import type { DraftView, PricedBatch } from '../application/draft.service.js';
import type { Payable } from '../domain/plan.js';
import type { Way } from '../domain/ways.js';
import { batchToWire } from './to-wire.js';

/** Payees of one answer: about 80 bytes each, in a message of 4 MiB at most. */
const PAYEES_MAX = 20_000;

const WAYS: Readonly<Record<Way, PayoutWay>> = {
  single: PayoutWay.SINGLE,
  batch: PayoutWay.BATCH,
  claim: PayoutWay.CLAIM,
};

/** A dry run as the API shows it. */
export function planToWire(
  { draft, wallet, paused }: DraftView,
  listPayees: boolean,
): SettlementPlan {
  let room = listPayees ? PAYEES_MAX : 0;
  const shown = (payouts: readonly Payable[]) => {
    const some = payouts.slice(0, room);
    room -= some.length;
    return some.map(({ withdrawalId, destination, units }) => ({
      withdrawalId: Buffer.from(withdrawalId),
      destination,
      amountUnits: units,
    }));
  };
  return {
    transactions: draft.transactions.map((transaction) => ({
      asset: assetToWire(transaction.asset),
      way: WAYS[transaction.way],
      payouts: transaction.payouts.length,
      totalUnits: transaction.totalUnits,
      energy: transaction.energy,
      feeSun: transaction.feeSun,
      feeMaxSun: transaction.feeMaxSun,
      singlesFeeSun: transaction.singlesFeeSun,
      needsApproval: transaction.needsApproval,
      lack: transaction.lack,
      payees: shown(transaction.payouts),
    })),
    payouts: BigInt(draft.payouts),
    energy: draft.energy,
    energyStaked: wallet.allowance.energyLeft,
    feeSun: draft.feeSun,
    feeMaxSun: draft.feeMaxSun,
    singlesFeeSun: draft.singlesFeeSun,
    hotWallet: wallet.hotWallet,
    hotWalletSun: wallet.allowance.trxSun,
    energyPriceSun: wallet.prices.energySun,
    blocked: paused,
    payeesLeftOut: listPayees ? BigInt(Math.max(0, draft.payouts - PAYEES_MAX)) : 0n,
    ways: draft.ways.map(({ way, operatorSun, payeesSun, unfit }) => ({
      way: WAYS[way],
      operatorFeeSun: operatorSun,
      payeesFeeSun: payeesSun,
      unfit,
    })),
  };
}

/** A batch that waits for an operator as the API shows it. */
export function undecidedToWire({ batch, cost }: PricedBatch): UndecidedBatch {
  return { batch: batchToWire(batch), way: WAYS[cost.way], feeSun: cost.operatorSun };
}
