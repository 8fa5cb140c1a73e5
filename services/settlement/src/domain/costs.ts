import type { AssetName } from '#libs/domain';

/** What the chain charges, in sun. */
export type Prices = {
  readonly energySun: bigint;
  readonly bandwidthSun: bigint;
  readonly activationSun: bigint;
  readonly activationBandwidthSun: bigint;
};

/** What transactions use of the chain. No memo is attached to any, so that none is charged for one. */
export type Use = {
  readonly energy: bigint;
  /** Each transaction is charged for all its bytes from one allowance. */
  readonly transactionBytes: readonly bigint[];
  /** Accounts that come into being by receiving a TRC-10 token. */
  readonly activations: bigint;
};

/** Most energy that a batch may use: a base and a share for each payout. */
export type EnergyTerms = { readonly energyBase: bigint; readonly energyPerPayout: bigint };

/** The chain refuses a higher fee limit. */
export const FEE_LIMIT_MAX_SUN = 15_000_000_000n;

/** Energy as measured, for payees who receive the token for the first time; docs/settlement.md has the table. */
const BATCH_ENERGY = 35_676n;
const BATCH_PAYEE_ENERGY = 28_690n;
const TRANSFER_ENERGY = 27_690n;

/** Bytes of signed transactions, with the 64 for its result that the chain charges for. */
const RESULT_BYTES = 64n;
const BATCH_BYTES = 381n + RESULT_BYTES;
const BATCH_PAYEE_BYTES = 64n;
const TRANSFER_BYTES = 284n + RESULT_BYTES;
const TRC10_BYTES = 260n + RESULT_BYTES;

/** Energy of committing to claims and of releasing what is left of them, as measured, and the most that either may use. */
const COMMIT_ENERGY = 60_698n;
const COMMIT_BYTES = 345n + RESULT_BYTES;
const CLAIMS_ENERGY_MAX = 150_000n;

/** One `commitClaims`, whatever the number of payees. */
export function claimUse(): Use {
  return { energy: COMMIT_ENERGY, transactionBytes: [COMMIT_BYTES], activations: 0n };
}

/** The most that `commitClaims` or `releaseClaims` may use. */
export function mostClaimUse(): Use {
  return { ...claimUse(), energy: CLAIMS_ENERGY_MAX };
}

/** One transaction of the vault that pays so many payees. */
export function batchUse(payees: number): Use {
  const count = BigInt(payees);
  return {
    energy: BATCH_ENERGY + count * BATCH_PAYEE_ENERGY,
    transactionBytes: [BATCH_BYTES + count * BATCH_PAYEE_BYTES],
    activations: 0n,
  };
}

/** A transfer of its own for each payee. `activations` counts payees without an account, for TRC-10. */
export function singlesUse(asset: AssetName, payees: number, activations: number): Use {
  const native = asset === 'TRC10_BTTOLD';
  return {
    energy: native ? 0n : TRANSFER_ENERGY * BigInt(payees),
    transactionBytes: Array.from({ length: payees }, () => (native ? TRC10_BYTES : TRANSFER_BYTES)),
    activations: native ? BigInt(activations) : 0n,
  };
}

/** What a batch is, as far as it matters for its costs. */
export type BatchShape = {
  readonly asset: AssetName;
  readonly payees: number;
  readonly toClaim: boolean;
};

/** The most that a transaction may use: what must be there before it is signed. */
export function mostUse({ asset, payees, toClaim }: BatchShape, terms: EnergyTerms): Use {
  if (toClaim) return mostClaimUse();
  if (asset === 'TRC10_BTTOLD') return singlesUse(asset, payees, payees);
  return { ...batchUse(payees), energy: terms.energyBase + BigInt(payees) * terms.energyPerPayout };
}

/** What an account may use before it pays in TRX, and the TRX. */
export type Allowance = {
  readonly trxSun: bigint;
  readonly energyLeft: bigint;
  readonly bandwidthLeft: bigint;
  readonly freeBandwidthLeft: bigint;
};

/** An account that has nothing staked. */
export const NOTHING_STAKED: Allowance = {
  trxSun: 0n,
  energyLeft: 0n,
  bandwidthLeft: 0n,
  freeBandwidthLeft: 0n,
};

/** What a use costs in TRX, and what is left of the allowance after it; its TRX may fall below 0. */
export function charge(
  allowance: Allowance,
  use: Use,
  prices: Prices,
): { readonly feeSun: bigint; readonly left: Allowance } {
  const short = use.energy - allowance.energyLeft;
  const bought = short > 0n ? short : 0n;
  let feeSun = bought * prices.energySun;
  let { bandwidthLeft, freeBandwidthLeft } = allowance;
  let activations = use.activations;
  for (const bytes of use.transactionBytes) {
    const activates = activations > 0n;
    if (activates) {
      activations -= 1n;
      feeSun += prices.activationSun;
    }
    if (bandwidthLeft >= bytes) bandwidthLeft -= bytes;
    else if (activates) feeSun += prices.activationBandwidthSun;
    else if (freeBandwidthLeft >= bytes) freeBandwidthLeft -= bytes;
    else feeSun += bytes * prices.bandwidthSun;
  }
  const energyLeft = allowance.energyLeft - (use.energy - bought);
  const trxSun = allowance.trxSun - feeSun;
  return { feeSun, left: { trxSun, energyLeft, bandwidthLeft, freeBandwidthLeft } };
}

/**
 * The fee limit of a batch of the vault by the most that it may use, in sun: the chain counts staked energy against it as well. Undefined when it
 * would have to be above what the chain allows: such a batch could run out of energy half way.
 */
export function feeLimitSun(use: Pick<Use, 'energy'>, energySun: bigint): bigint | undefined {
  const limit = use.energy * energySun;
  return limit <= FEE_LIMIT_MAX_SUN ? limit : undefined;
}
