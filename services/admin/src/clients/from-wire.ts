import {
  type Asset,
  assetFromWire,
  type Batch,
  BatchState,
  type DecideBatchResponse,
  type Deposit,
  DepositState,
  type GetSettlementStatusResponse,
  type GetTotalsResponse,
  type HeldDeposit,
  type HeldPayout,
  PayoutWay,
  type ResolveDepositResponse,
  type Round,
  type UndecidedBatch,
} from '#libs/contracts';
import { toHex } from '#libs/domain';
import type { DecidedBatch, ResolvedDeposit } from '../application/ports.js';
import type {
  BatchRow,
  HeldRow,
  RoundRow,
  SettlementStatus,
  Totals,
  UndecidedRow,
} from '../domain/snapshot.js';

/** Sums as the page shows them: the wire's fields, its assets by name. */
export function totalsFromWire(wire: GetTotalsResponse): Totals {
  return {
    ...wire,
    assets: wire.assets.map(({ asset, depositedUnits, withdrawnUnits }) => ({
      asset: nameOf(asset),
      depositedUnits,
      withdrawnUnits,
    })),
  };
}

/** A batch with its state in words. */
export function batchFromWire(wire: Batch): BatchRow {
  const state: string | undefined = BatchState[wire.state];
  return {
    batchNo: wire.batchNo,
    asset: nameOf(wire.asset),
    state: state?.toLowerCase() ?? `state ${wire.state}`,
    txid: wire.txid,
    payouts: wire.payouts,
    totalUnits: wire.totalUnits,
    plannedAtMs: wire.plannedAtMs,
    failure: wire.failure,
    claimableUntilMs: wire.claimableUntilMs,
  };
}

/** A batch that waits for a decision, with its way in words. Rejects one that is not there. */
export function undecidedFromWire({ batch, way, feeSun }: UndecidedBatch): UndecidedRow {
  if (batch === undefined) throw new Error('settlement named no batch');
  const { batchNo, asset, payouts, totalUnits, plannedAtMs } = batch;
  const name: string | undefined = PayoutWay[way];
  return {
    batchNo,
    asset: nameOf(asset),
    way: name?.toLowerCase() ?? `way ${way}`,
    payouts,
    totalUnits,
    feeSun,
    plannedAtMs,
  };
}

/** A batch after an operator's decision. */
export function decidedFromWire({ batch }: DecideBatchResponse): DecidedBatch {
  if (batch === undefined) throw new Error('settlement named no batch');
  return { state: batchFromWire(batch).state, decidedBy: batch.decidedBy };
}

/** A round with its swarm in hex. */
export function roundFromWire(wire: Round): RoundRow {
  return {
    roundNo: wire.roundNo,
    swarm: toHex(wire.swarm),
    clearedAtMs: wire.clearedAtMs,
    priceUnits: wire.priceUnits,
    slotsMatched: wire.slotsMatched,
  };
}

/** How settlement stands, its assets by name. */
export function settlementStatusFromWire(wire: GetSettlementStatusResponse): SettlementStatus {
  return {
    ...wire,
    reserves: wire.reserves.map(({ asset, reserveUnits }) => ({
      asset: nameOf(asset),
      reserveUnits,
    })),
  };
}

/** A deposit that waits, with its state in words. */
export function heldDepositFromWire({ deposit, note, seenAtMs }: HeldDeposit): HeldRow {
  return {
    kind: 'deposit',
    state: depositStateOf(deposit),
    id: toHex(deposit?.txid ?? new Uint8Array()),
    index: deposit?.index ?? 0,
    account: deposit?.account ?? '',
    asset: nameOf(deposit?.asset ?? 0),
    units: deposit?.amountUnits ?? 0n,
    // What is too large to count in units says so by what the chain moved.
    reason: deposit?.amountUnits === 0n ? `${note} (${deposit.baseUnits} base units)` : note,
    sinceMs: seenAtMs,
  };
}

/** A deposit after an operator's decision. */
export function resolvedDepositFromWire({ deposit }: ResolveDepositResponse): ResolvedDeposit {
  return { state: depositStateOf(deposit), note: deposit?.note ?? '' };
}

function depositStateOf(deposit: Deposit | undefined): string {
  const state: string | undefined = DepositState[deposit?.state ?? DepositState.UNSPECIFIED];
  return state?.toLowerCase() ?? `state ${deposit?.state}`;
}

/** A payout that waits. */
export function heldPayoutFromWire(wire: HeldPayout): HeldRow {
  return {
    kind: 'payout',
    state: 'held',
    id: toHex(wire.withdrawalId),
    index: 0,
    account: wire.account,
    asset: nameOf(wire.asset),
    units: wire.amountUnits,
    reason: wire.failure,
    sinceMs: wire.heldAtMs,
  };
}

function nameOf(asset: Asset): string {
  return assetFromWire(asset) ?? `asset ${asset}`;
}
