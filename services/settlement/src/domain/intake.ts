import { type Address, type Units, WITHDRAWAL_STATES } from '#libs/domain';

/** A withdrawal as the ledger lists it. */
export type OpenWithdrawal = {
  readonly state: number;
  readonly destination: Address;
  readonly amountUnits: Units;
  readonly feeUnits: Units;
};

/** How a withdrawal enters the queue that has not been seen before. */
export type Admission =
  | { readonly kind: 'queue'; readonly units: Units }
  | { readonly kind: 'refund'; readonly units: Units; readonly reason: string }
  /** The ledger says it was already being paid, and we know nothing of it: our records are older. */
  | { readonly kind: 'hold'; readonly units: Units; readonly reason: string };

/** What the owner of a held withdrawal reads. */
export const HELD_NOTE =
  'the records about this withdrawal contradict one another; an operator has to look at it';

/** Decides about a withdrawal seen for the first time. `own` are addresses of the ledger itself. */
export function admitWithdrawal(withdrawal: OpenWithdrawal, own: ReadonlySet<Address>): Admission {
  const units = withdrawal.amountUnits - withdrawal.feeUnits;
  if (withdrawal.state > WITHDRAWAL_STATES.queued) {
    return {
      kind: 'hold',
      units,
      reason: 'the ledger says that it is being paid, but no payment of it is on record here',
    };
  }
  if (own.has(withdrawal.destination)) {
    return { kind: 'refund', units, reason: 'the destination belongs to the ledger itself' };
  }
  return { kind: 'queue', units };
}

/** What the ledger's answer to "it is planned now" means for a queued payout. */
export function afterPlanned(stateAtLedger: number): 'planned' | 'cancelled' | 'held' {
  if (stateAtLedger === WITHDRAWAL_STATES.planned) return 'planned';
  if (stateAtLedger === WITHDRAWAL_STATES.cancelled) return 'cancelled';
  // Further on or finished, although nothing was ever paid from here.
  return 'held';
}
