import {
  assetToWire,
  type Batch,
  BatchApproval,
  BatchState,
  type Deposit,
  DepositState,
  type HeldDeposit,
  type HeldPayout,
} from '#libs/contracts';
import type { PlannedBatch } from '../domain/plan.js';
import { DEPOSIT } from '../domain/states.js';
import type { StoredBatch } from '../repositories/batch.repository.js';
import type { StoredDeposit } from '../repositories/deposit.repository.js';
import type {
  HeldDeposit as StoredHeldDeposit,
  HeldPayout as StoredHeldPayout,
} from '../repositories/held.repository.js';

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
    approval: approvalOf(batch),
    decidedBy: batch.decidedBy ?? '',
    toClaim: batch.toClaim,
    claimableUntilMs: (batch.claimableUntilS ?? 0n) * 1_000n,
  };
}

function approvalOf({ needsApproval, approved }: StoredBatch): BatchApproval {
  if (!needsApproval) return BatchApproval.NOT_NEEDED;
  if (approved === null) return BatchApproval.WAITING;
  return approved ? BatchApproval.APPROVED : BatchApproval.REJECTED;
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
    approval: batch.needsApproval ? BatchApproval.WAITING : BatchApproval.NOT_NEEDED,
    decidedBy: '',
    toClaim: batch.toClaim,
    claimableUntilMs: 0n,
  };
}

const DEPOSIT_STATES = new Map<number, DepositState>([
  [DEPOSIT.seen, DepositState.SEEN],
  [DEPOSIT.credited, DepositState.CREDITED],
  [DEPOSIT.suspense, DepositState.SUSPENSE],
  [DEPOSIT.dust, DepositState.DUST],
  [DEPOSIT.held, DepositState.HELD],
  [DEPOSIT.misdirected, DepositState.MISDIRECTED],
  [DEPOSIT.resolving, DepositState.RESOLVING],
  [DEPOSIT.dismissed, DepositState.DISMISSED],
]);

/** A stored deposit as the API shows it. */
export function depositToWire(deposit: StoredDeposit): Deposit {
  return {
    txid: deposit.txid,
    index: deposit.index,
    asset: deposit.asset,
    account: deposit.account,
    amountUnits: deposit.units,
    state: DEPOSIT_STATES.get(deposit.state) ?? DepositState.UNSPECIFIED,
    blockNumber: deposit.blockNumber,
    baseUnits: deposit.baseUnits,
    note: noteOf(deposit),
  };
}

/** A deposit that waits, with the reason. */
export function heldDepositToWire(deposit: StoredHeldDeposit): HeldDeposit {
  return { deposit: depositToWire(deposit), note: noteOf(deposit), seenAtMs: deposit.seenAtMs };
}

function noteOf({ state, note }: StoredDeposit): string {
  return note === '' && state === DEPOSIT.suspense ? 'its sender is a contract or nobody' : note;
}

/** A payout that waits, with the reason. */
export function heldPayoutToWire(payout: StoredHeldPayout): HeldPayout {
  const { payoutNo: _number, units: amountUnits, ...rest } = payout;
  return { ...rest, amountUnits };
}
