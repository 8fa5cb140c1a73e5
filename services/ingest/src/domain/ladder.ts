import type { Refusal } from '#libs/domain';
import type { Channel } from './channel.js';
import type { Claim, ClaimRefusal } from './claim.js';

/**
 * The ladder that every payment climbs, cheap rungs before dear ones; the first failure wins:
 *
 * shape → limits → channel known → channel accepts → payee → expiry → within the deposit →
 * superseded? → proof (signature or preimage).
 *
 * `checkForm` are the rungs before "known", `checkStanding` those after it. The proof is checked at
 * the flush, and only that of the highest claim of a channel.
 */
export type Ladder<Message extends { readonly channelId: Uint8Array }> = {
  readonly kind: Claim['kind'];
  readonly checkForm: (message: Message, nowMs: bigint) => Refusal | undefined;
  readonly checkStanding: (
    message: Message,
    channel: Channel,
    nowMs: bigint,
  ) => ClaimRefusal | undefined;
  /** True when the books may know something that would let the payment pass. */
  readonly mayBeBehind: (message: Message, channel: Channel) => boolean;
  /** The claim of a message that stands. */
  readonly claim: (message: Message, channel: Channel) => Claim;
};
