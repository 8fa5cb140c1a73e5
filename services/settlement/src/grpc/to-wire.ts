import { assetToWire, type Batch, BatchState, type Deposit, DepositState } from '#libs/contracts';
import type { PlannedBatch } from '../domain/plan.js';
import { DEPOSIT } from '../domain/states.js';
import type { StoredBatch } from '../repositories/batch.repository.js';
import type { StoredDeposit } from '../repositories/deposit.repository.js';

/** A stored batch as the API shows it; the numbers of its states are those of the table. */
export function batchToWire(batch: StoredBatch): Batch {
  return {
    batchNo: batch.batchNo,
    asset: batch.asset,
    state: batch.state,
    txid: batch.txid?.toString('hex') ?? '',
    payouts: batch.payouts,
    totalUnits: batch.totalUnits,
    energyUsed: batch.energyUsed,
    feeSun: batch.feeSun,
    plannedAtMs: batch.plannedAtMs,
    solidifiedAtMs: batch.solidifiedAtMs ?? 0n,
    failure: batch.failure,
  };
}

/** A batch that a run would plan: it has no number yet. */
export function draftToWire(batch: PlannedBatch, nowMs: bigint): Batch {
  return {
    batchNo: 0n,
    asset: assetToWire(batch.asset),
    state: BatchState.PLANNED,
    txid: '',
    payouts: batch.payouts.length,
    totalUnits: batch.totalUnits,
    energyUsed: 0n,
    feeSun: 0n,
    plannedAtMs: nowMs,
    solidifiedAtMs: 0n,
    failure: '',
  };
}

const DEPOSIT_STATES = new Map<number, DepositState>([
  [DEPOSIT.seen, DepositState.SEEN],
  [DEPOSIT.credited, DepositState.CREDITED],
  [DEPOSIT.suspense, DepositState.SUSPENSE],
  // Dust and what an operator has to look at are seen and not booked.
  [DEPOSIT.dust, DepositState.SEEN],
  [DEPOSIT.held, DepositState.SEEN],
]);

/** A stored deposit as the API shows it. */
export function depositToWire(deposit: StoredDeposit): Deposit {
  return {
    txid: deposit.txid,
    index: deposit.index,
    asset: deposit.asset,
    account: deposit.sender,
    amountUnits: deposit.units,
    state: DEPOSIT_STATES.get(deposit.state) ?? DepositState.UNSPECIFIED,
    blockNumber: deposit.blockNumber,
  };
}
