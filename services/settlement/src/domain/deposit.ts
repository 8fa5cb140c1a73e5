import {
  type Address,
  type AssetName,
  addressFromBytes,
  SUPPLY_UNITS,
  type Units,
  unitsFloor,
} from '#libs/domain';

/** Tokens name it as the sender of what they mint. */
const NOBODY = addressFromBytes(new Uint8Array(20));

/** A transfer of one of our assets to one of our addresses, on the solidified chain. */
export type TransferIn = {
  readonly asset: AssetName;
  readonly from: Address;
  readonly baseUnits: bigint;
  /** Account that it is for, where the sender called the vault's `deposit`; else the sender's own. */
  readonly account?: Address;
  /** It went to an address of ours, but not to the one that takes this asset. */
  readonly misdirected?: boolean;
};

/** What is known of the sender. */
export type Sender = {
  /** Contracts hold no key: nobody could ever spend what is credited to one. */
  readonly isContract: boolean;
};

/** What to do with a transfer in. */
export type DepositVerdict =
  /** Moving our own funds is no deposit. */
  | { readonly kind: 'own' }
  /** Less than one unit: stays with the vault, recorded, not credited. */
  | { readonly kind: 'dust' }
  | { readonly kind: 'credit'; readonly units: Units; readonly suspense: boolean }
  /** Not where the asset's reserve is: nothing is booked until an operator has looked. */
  | { readonly kind: 'misdirect'; readonly units: Units; readonly note: string }
  /** Cannot be right; an operator has to look. Units are 0 when there are too many to count. */
  | { readonly kind: 'hold'; readonly units: Units; readonly note: string };

/** Decides about one transfer in. `own` are the addresses that belong to the ledger itself. */
export function judgeDeposit(
  transfer: TransferIn,
  sender: Sender,
  own: ReadonlySet<Address>,
): DepositVerdict {
  const { account } = transfer;
  if (account === undefined && own.has(transfer.from)) return { kind: 'own' };
  const units = unitsFloor(transfer.asset, transfer.baseUnits);
  if (units === 0n) return { kind: 'dust' };
  if (units > SUPPLY_UNITS) {
    return { kind: 'hold', units: 0n, note: 'more than the whole supply' };
  }
  if (transfer.misdirected === true) {
    return { kind: 'misdirect', units, note: 'it was not sent to the address for this asset' };
  }
  if (account !== undefined) {
    if (own.has(account)) {
      return { kind: 'hold', units, note: 'for an address of the ledger itself' };
    }
    return { kind: 'credit', units, suspense: false };
  }
  return { kind: 'credit', units, suspense: sender.isContract || transfer.from === NOBODY };
}
