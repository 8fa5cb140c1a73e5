import { params } from '../params.js';
import type { Account, Usage } from '../state/world.js';

/** Bandwidth and energy: pure rules about daily allowances. */

/** What is still counted as used at `nowMs`. */
export function usedNow(usage: Usage, nowMs: number): number {
  const left = 1 - Math.max(0, nowMs - usage.atMs) / params.usageWindowMs;
  return left <= 0 ? 0 : Math.floor(usage.amount * left);
}

/** The usage after `amount` more is used. */
export function use(usage: Usage, amount: number, nowMs: number): Usage {
  return { amount: usedNow(usage, nowMs) + amount, atMs: nowMs };
}

function dailyShare(frozenSun: bigint, othersTrx: number, total: number): number {
  const frozenTrx = Number(frozenSun / 1_000_000n);
  return Math.floor((frozenTrx / (othersTrx + frozenTrx)) * total);
}

/** Bandwidth a day an account's stake gives. */
export const netLimit = (account: Account): number =>
  dailyShare(account.frozenNetSun, params.othersStakedForNetTrx, params.totalNetDaily);

/** Energy a day an account's stake gives. */
export const energyLimit = (account: Account): number =>
  dailyShare(account.frozenEnergySun, params.othersStakedForEnergyTrx, params.totalEnergyDaily);

/** Staked energy that is left. */
export const energyLeft = (account: Account, nowMs: number): number =>
  Math.max(0, energyLimit(account) - usedNow(account.energy, nowMs));

export interface BandwidthCharge {
  readonly usage: number;
  readonly feeSun: bigint;
  readonly change: Partial<Account>;
}

/**
 * Pays for the bytes of a transaction: staked bandwidth, then the free allowance, then TRX.
 * @returns undefined when the account can pay with none of them
 */
export function chargeBandwidth(
  account: Account,
  bytes: number,
  createsAccount: boolean,
  nowMs: number,
): BandwidthCharge | undefined {
  if (netLimit(account) - usedNow(account.net, nowMs) >= bytes) {
    return { usage: bytes, feeSun: 0n, change: { net: use(account.net, bytes, nowMs) } };
  }
  // The free allowance does not pay for creating accounts.
  const freeLeft = params.freeNetDaily - usedNow(account.freeNet, nowMs);
  if (!createsAccount && freeLeft >= bytes) {
    return { usage: bytes, feeSun: 0n, change: { freeNet: use(account.freeNet, bytes, nowMs) } };
  }
  const feeSun = createsAccount
    ? params.createAccountBandwidthFeeSun
    : BigInt(bytes) * params.bandwidthPriceSun;
  const balanceSun = account.balanceSun - feeSun;
  return balanceSun < 0n ? undefined : { usage: 0, feeSun, change: { balanceSun } };
}

export interface EnergyTerms {
  /** Share of the energy the caller pays, 0–100. */
  readonly callerPercent: number;
  readonly originLimit: number;
  /** Staked energy the contract's creator has left; 0 when the caller is the creator. */
  readonly originLeft: number;
}

/** The most energy a call may use, from stake, balance, fee limit and the creator's share. */
export function energyAllowance(
  caller: { readonly left: number; readonly balanceSun: bigint },
  feeLimitSun: bigint,
  terms: EnergyTerms,
): number {
  const fromBalance = Number(caller.balanceSun / params.energyPriceSun);
  const fromFeeLimit = Number(feeLimitSun / params.energyPriceSun);
  const own = Math.min(caller.left + fromBalance, fromFeeLimit);
  const origin = Math.min(terms.originLeft, terms.originLimit);
  if (terms.callerPercent >= 100) return own;
  if (terms.callerPercent <= 0) return origin;
  const share = Math.floor((own * (100 - terms.callerPercent)) / terms.callerPercent);
  return own + Math.min(share, origin);
}

export interface EnergySplit {
  /** Paid from the creator's stake. */
  readonly origin: number;
  /** Paid from the caller's stake. */
  readonly caller: number;
  readonly feeSun: bigint;
}

/** Who pays for `used` energy. */
export function splitEnergy(used: number, callerLeft: number, terms: EnergyTerms): EnergySplit {
  const share = Math.floor((used * (100 - terms.callerPercent)) / 100);
  const origin = Math.min(share, terms.originLeft, terms.originLimit);
  const caller = Math.min(used - origin, callerLeft);
  return { origin, caller, feeSun: BigInt(used - origin - caller) * params.energyPriceSun };
}
