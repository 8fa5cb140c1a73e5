import { type AssetName, type Refusal, refuse, type Units } from '#libs/domain';

const DAY_MS = 86_400_000n;

/** Limits and fee of withdrawals, in units. Days are those of UTC. */
export type WithdrawalLimits = {
  readonly minUnits: Units;
  readonly maxUnits: Units;
  readonly feeUnits: Units;
  /** Fee of one that its payee fetches: the operator's share of reserving it. */
  readonly claimFeeUnits: Units;
  /** Most that one account may withdraw in a day. */
  readonly accountDayUnits: Units;
  /** Most that all accounts together may withdraw in a day. */
  readonly ledgerDayUnits: Units;
};

/** How fast settlement plans what waits. */
export type SettlementPace = { readonly periodMs: bigint; readonly payoutsPerRun: bigint };

/** Units withdrawn in a day: by one account and by all. */
export type DayUnits = { readonly account: Units; readonly ledger: Units };

/** The day of a time, counted since 1970 in UTC. */
export function dayOf(atMs: bigint): number {
  return Number(atMs / DAY_MS);
}

/** When the day of a time ends. */
export function dayEndsAtMs(atMs: bigint): bigint {
  return (atMs / DAY_MS + 1n) * DAY_MS;
}

/** Energy that claiming costs at most, whoever does it; docs/settlement.md has the table. */
export const CLAIM_ENERGY_MAX = 72_795n;

/** The fee of a withdrawal. */
export function feeOf(limits: WithdrawalLimits, toClaim: boolean): Units {
  return toClaim ? limits.claimFeeUnits : limits.feeUnits;
}

/** Why no withdrawal may have this amount, or undefined. */
export function checkAmount(limits: WithdrawalLimits, units: Units): Refusal | undefined {
  if (units >= limits.minUnits && units <= limits.maxUnits) return undefined;
  const range = `${limits.minUnits} to ${limits.maxUnits}`;
  return refuse('WITHDRAWAL_LIMIT', `a withdrawal is ${range} units`);
}

/** What the day still allows, never below 0. */
export function leftOfDay(limits: WithdrawalLimits, withdrawn: DayUnits): DayUnits {
  const left = (limit: Units, used: Units) => (used < limit ? limit - used : 0n);
  return {
    account: left(limits.accountDayUnits, withdrawn.account),
    ledger: left(limits.ledgerDayUnits, withdrawn.ledger),
  };
}

/** Why the day does not allow these units on top of what was withdrawn, or undefined. */
export function checkDay(
  limits: WithdrawalLimits,
  withdrawn: DayUnits,
  units: Units,
): Refusal | undefined {
  const left = leftOfDay(limits, withdrawn);
  if (units > left.account) {
    return refuse('WITHDRAWAL_LIMIT', `this account may withdraw ${left.account} units more today`);
  }
  if (units > left.ledger) {
    return refuse('WITHDRAWAL_LIMIT', `the ledger pays out ${left.ledger} units more today`);
  }
  return undefined;
}

/** Why the balance does not cover these units, or undefined. */
export function checkAvailable(available: Units, units: Units): Refusal | undefined {
  if (available >= units) return undefined;
  return refuse('INSUFFICIENT_FUNDS', `${available} units are available`);
}

/** Why the asset's reserve does not cover these units, or undefined. */
export function checkReserve(asset: AssetName, free: Units, units: Units): Refusal | undefined {
  if (free >= units) return undefined;
  const left = free < 0n ? 0n : free;
  return refuse('RESERVE_SHORT', `${asset} can pay out ${left} units now`);
}

/** When a withdrawal with so many ahead of it is expected to be in a batch. */
export function expectedAtMs(pace: SettlementPace, position: bigint, nowMs: bigint): bigint {
  return nowMs + pace.periodMs * (1n + position / pace.payoutsPerRun);
}
