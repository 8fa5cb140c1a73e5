import { type AssetName, BASE_UNITS_PER_UNIT, baseUnits, type Units } from '#libs/domain';
import { type Allowance, charge, type Prices, type Use } from './costs.js';

/** What the hot wallet may use and what the reserves hold, in base units. */
export type Funds = {
  readonly allowance: Allowance;
  readonly reserveBaseUnits: Readonly<Record<AssetName, bigint>>;
};

/** What is left of the funds while transactions are being signed, or planned, one after the other. */
export class Purse {
  #allowance: Allowance;
  readonly #reserve: Record<AssetName, bigint>;

  constructor(
    funds: Funds,
    private readonly prices: Prices,
  ) {
    this.#allowance = funds.allowance;
    this.#reserve = { ...funds.reserveBaseUnits };
  }

  /** Sets aside what a transaction may use and pays, whether or not it is there; returns what it costs in sun. */
  take(asset: AssetName, units: Units, use: Use): bigint {
    const { feeSun, left } = charge(this.#allowance, use, this.prices);
    this.#allowance = left;
    this.#reserve[asset] -= units * BASE_UNITS_PER_UNIT[asset];
    return feeSun;
  }

  /** Why a transaction cannot be afforded, or undefined. */
  lack(asset: AssetName, units: Units, use: Use): Lack | undefined {
    const { feeSun, left } = charge(this.#allowance, use, this.prices);
    if (left.trxSun < 0n) {
      const { trxSun } = this.#allowance;
      const text = `the hot wallet lacks TRX: ${trxSun} sun free, ${feeSun} needed`;
      return { of: 'trx', text };
    }
    const [free, needed] = [this.#reserve[asset], baseUnits(asset, units)];
    if (free >= needed) return undefined;
    const text = `the reserve of ${asset} is short: ${free} base units free, ${needed} needed`;
    return { of: asset, text };
  }
}

/**
 * What is missing: TRX, without which nothing can be signed, an asset, which the other can do without, or the signer's
 * consent to this one transaction, which holds up no other.
 */
export type Lack = { readonly of: 'trx' | AssetName | 'consent'; readonly text: string };
