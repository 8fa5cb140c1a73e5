import { type Refusal, refuse, type Units } from '#libs/domain';

/** What kinds of payments there are. */
export type ClaimKind = 'voucher' | 'tick' | 'bundle';

/** A kind's number in columns; the same as in the voucher log. */
export const KIND = { voucher: 1, tick: 2, bundle: 4 } as const;

/** A payment durably logged: the channel owes at least `acceptedUnits`. */
export type Accepted = {
  readonly ok: true;
  readonly acceptedUnits: Units;
  readonly partition: number;
  readonly offset: bigint;
};

/** Why a payment changed nothing; with SUPERSEDED also the amount already accepted. */
export type ClaimRefusal = Refusal & { readonly acceptedUnits?: Units };

/** What became of one payment. */
export type Outcome = Accepted | ClaimRefusal;

// A signature check takes about as long as this many hashes.
const HASHES_PER_CHECK = 50;

/** What checking a tick so many steps ahead costs, in signature checks. */
export function tickCost(steps: number): number {
  return Math.max(0, steps) / HASHES_PER_CHECK;
}

/** What is said when a claim's proof does not hold. */
export function proofRefusal(kind: number): Refusal {
  return kind === KIND.tick
    ? refuse('BAD_PREIMAGE', 'the preimage does not hash to the last accepted tick')
    : refuse('BAD_SIGNATURE', "the signature is not the payer's, or not low-S");
}

/** What is said when a claim was not tried, since its sender's others failed. */
export function untriedRefusal(): Refusal {
  return refuse('OVERLOADED', 'not checked after failed payments of this sender; send it again');
}

/** What is said to a sender whose failure budget is spent. */
export function spentRefusal(): Refusal {
  return refuse('OVERLOADED', 'too many failures of this sender; wait a few seconds');
}

/** What is said when no proof could be judged. */
export function uncheckedRefusal(): Refusal {
  return refuse('UNAVAILABLE', 'the proof could not be checked; nothing was accepted');
}

/** What is said while we cannot know whether a channel is closing. */
export function staleRefusal(): Refusal {
  return refuse('UNAVAILABLE', 'news of channels is late; nothing was accepted, send it again');
}

/** What is said of a payment that may have been logged. */
export function outcomeUnknown(why: string): Refusal {
  return refuse('OUTCOME_UNKNOWN', `${why}; sending it again is safe`);
}
