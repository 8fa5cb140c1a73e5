/**
 * The ledger's integer unit, µBTT: 10⁻⁶ BTTOLD (TRC-10, 6 decimals) = 10⁻³ BTT (TRC-20, 18 decimals, 1:1000).
 * Always a bigint; the whole supply (990 billion BTTOLD) fits a signed 64-bit integer.
 */
export type Units = bigint;

/** The largest amount that any column, message or sum may hold. */
export const UNITS_MAX: Units = 2n ** 63n - 1n;

/** All BTTOLD there is, in units: no credit may pass it. */
export const SUPPLY_UNITS: Units = 990_000_000_000n * 1_000_000n;

/** The assets that back the ledger. Each is matched on chain by its token id or contract address, never by name. */
export const ASSETS = ['TRC20_BTT', 'TRC10_BTTOLD'] as const;

/** One of {@link ASSETS}. */
export type AssetName = (typeof ASSETS)[number];

/** Chain base units that make one ledger unit. */
export const BASE_UNITS_PER_UNIT: Readonly<Record<AssetName, bigint>> = {
  TRC20_BTT: 10n ** 15n,
  TRC10_BTTOLD: 1n,
};

/** Whole units in an amount of chain base units; the dust below one unit stays with the vault. */
export function unitsFloor(asset: AssetName, baseUnits: bigint): Units {
  return baseUnits / BASE_UNITS_PER_UNIT[asset];
}

/** Chain base units of an amount of units; exact. */
export function baseUnits(asset: AssetName, units: Units): bigint {
  return units * BASE_UNITS_PER_UNIT[asset];
}

/** True for an amount that may be moved: above 0 and within 64 bits. */
export function isAmount(units: bigint): boolean {
  return units > 0n && units <= UNITS_MAX;
}

/** Units as a decimal BTTOLD text for people, e.g. `1.5`. Exact. */
export function formatUnits(units: Units): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -6)}${fraction === '' ? '' : `.${fraction}`}`;
}
