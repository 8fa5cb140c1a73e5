import { type Refusal, refuse, type Units } from '#libs/domain';
import { type Channel, notAccepting } from './channel.js';

/** A payment that passed the ladder up to its proof: "this channel owes at least so much". */
export type Claim = {
  readonly kind: 'voucher' | 'tick';
  readonly channel: Channel;
  readonly cumulativeUnits: Units;
  /** A voucher's validity in milliseconds since 1970, a tick's index. */
  readonly detail: bigint;
  /** A voucher's signature, a tick's preimage. */
  readonly proof: Uint8Array;
};

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

/** What checking a claim's proof costs, in signature checks. */
export function proofCost(claim: Claim): number {
  if (claim.kind === 'voucher') return 1;
  return Math.max(0, Number(claim.detail - claim.channel.tickIndex)) / HASHES_PER_CHECK;
}

/** What is said when a claim's proof does not hold. */
export function proofRefusal(claim: Claim): ClaimRefusal {
  return claim.kind === 'voucher'
    ? refuse('BAD_SIGNATURE', "the signature is not the payer's, or not low-S")
    : refuse('BAD_PREIMAGE', 'the preimage does not hash to the last accepted tick');
}

/** The refusal of an amount that is not above what is durably accepted; undefined when it is above. */
export function superseded(channel: Channel, cumulativeUnits: Units): ClaimRefusal | undefined {
  if (cumulativeUnits > channel.acceptedUnits) return undefined;
  return {
    ...refuse('SUPERSEDED', 'an equal or higher amount is already accepted'),
    acceptedUnits: channel.acceptedUnits,
  };
}

/** Judges a claim again after it waited: what may have changed since is the channel, not the claim. */
export function noLongerStands(claim: Claim, nowMs: bigint): ClaimRefusal | undefined {
  return notAccepting(claim.channel, nowMs) ?? superseded(claim.channel, claim.cumulativeUnits);
}
