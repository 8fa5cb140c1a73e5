import type { Address, TickCommitment, Units } from '#libs/domain';

/** Where a channel is in its life; it never goes back. */
export type ChannelState = 'open' | 'closing' | 'closed';

/** A channel as the books told it at some moment; how it is kept is the table's matter. */
export type ChannelFacts = {
  readonly id: Uint8Array;
  readonly channelNo: bigint;
  readonly partition: number;
  /**
   * The public key that signs its payments, the payer's or that of a session key, in the 65-byte form,
   * which libsecp256k1 reads without a square root.
   */
  readonly signerKey: Uint8Array;
  readonly payee: Address;
  readonly depositUnits: Units;
  readonly commitment: TickCommitment | undefined;
  readonly state: ChannelState;
  readonly closesAtMs: bigint;
  readonly acceptedUnits: Units;
  readonly tickIndex: bigint;
  readonly tickPreimage: Uint8Array;
};
