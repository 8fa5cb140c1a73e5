import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, type Units } from '#libs/domain';
import { BATCH, PAYOUT } from './states.js';

/** Energy that committing may use at most; it uses 54 478 (docs/settlement.md). */
export const EPOCH_ENERGY_MAX = 150_000n;

/** What a salt is drawn for: the first byte of the leaf, and the 20 bytes of the account or 32 of the channel. */
export type Salted = { readonly kind: 0x00 | 0x02; readonly id: Uint8Array };

/** The salt of a leaf: nobody can guess it without the secret, which is drawn afresh for each epoch. */
export function saltOf(secret: Uint8Array, { kind, id }: Salted): Uint8Array {
  return hmac(sha256, secret, concatBytes(Uint8Array.of(kind), id));
}

/** What settlement knows of a withdrawal that the ledger has not finished. */
export type PayoutFacts = {
  readonly payoutState: number;
  readonly batchState: number;
  /** Paid by the vault, which executes a batch id once; otherwise by a TRC-10 transfer. */
  readonly isVault: boolean;
  /** A TRC-10 payout that is to be signed once a committed epoch leaves it out. */
  readonly isLeaving: boolean;
};

/**
 * Where a withdrawal counts: in its account's leaf; in a leaf of its own, as a line of a vault batch; or nowhere,
 * because it is paid, or on its way or about to be in a form that the vault cannot see (docs/vault.md).
 */
export function placeOf(facts: PayoutFacts | undefined): 'account' | 'line' | 'away' {
  if (facts === undefined) return 'account';
  // The vault has reserved a claimable one: it is no longer what an exit pays from.
  if (facts.payoutState === PAYOUT.paid || facts.payoutState === PAYOUT.claimable) return 'away';
  if (facts.payoutState !== PAYOUT.batched) return 'account';
  if (facts.isVault) return 'line';
  return facts.batchState === BATCH.planned && !facts.isLeaving ? 'account' : 'away';
}

/** What decides whether an epoch is due. */
export type EpochNeed = {
  /** When the last one was taken that has not failed, by our clock; undefined when there is none. */
  readonly lastAtMs: bigint | undefined;
  /** When the last one was tried. */
  readonly triedAtMs: bigint | undefined;
  /** Batches wait for an epoch that has their lines, or leaves their TRC-10 payout out. */
  readonly batchesWait: boolean;
  /** The vault has paid since the last one, and nothing more is on its way. */
  readonly paidSince: boolean;
};

/** How often epochs are made. */
export type EpochTerms = { readonly periodMs: bigint; readonly pauseMs: bigint };

/** Why an epoch is due now, or undefined. */
export function epochDue(need: EpochNeed, nowMs: bigint, terms: EpochTerms): string | undefined {
  if (need.triedAtMs !== undefined && nowMs < need.triedAtMs + terms.pauseMs) return undefined;
  if (need.batchesWait) return 'batches wait for it';
  if (need.lastAtMs === undefined) return 'there is none';
  if (need.paidSince) return 'batches were paid';
  return nowMs >= need.lastAtMs + terms.periodMs ? 'the last one is old' : undefined;
}

/** Sums of an epoch and of what stands behind it, in units. */
export type Backing = {
  readonly totalUnits: Units;
  /** Lines of the tree that the vault has paid already, though the ledger does not know it yet. */
  readonly paidUnits: Units;
  /** TRC-10 payouts that are in no leaf although nothing is signed yet. */
  readonly leavingUnits: Units;
  readonly trc20ReserveUnits: Units;
  readonly trc10ReserveUnits: Units;
};

/** Why what is owed is not covered by what the solidified chain holds, or undefined. */
export function shortfall(backing: Backing): string | undefined {
  const { totalUnits, paidUnits, leavingUnits, trc20ReserveUnits, trc10ReserveUnits } = backing;
  const owed = totalUnits - paidUnits + leavingUnits;
  const held = trc20ReserveUnits + trc10ReserveUnits;
  if (owed <= held) return undefined;
  return `${owed} units are owed and ${held} are there: ${trc20ReserveUnits} of TRC-20 in the vault, ${trc10ReserveUnits} of TRC-10 in the hot wallet`;
}

/** Why the period leaves payouts without a fresh epoch, or undefined. `exitDelayMs` is the vault's. */
export function periodProblem(periodMs: bigint, exitDelayMs: bigint): string | undefined {
  // Payouts stop at half the delay; a quarter leaves time to try again and to be called.
  if (periodMs <= exitDelayMs / 4n) return undefined;
  return `EPOCH_PERIOD_MS is ${periodMs}; the vault's exit delay of ${exitDelayMs} ms allows a quarter of it at most`;
}
