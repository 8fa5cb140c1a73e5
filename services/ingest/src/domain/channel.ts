import {
  type Address,
  addressWord,
  type Refusal,
  refuse,
  type TickCommitment,
  type Units,
} from '#libs/domain';

/** Where a channel is in its life; it never goes back. */
export type ChannelState = 'open' | 'closing' | 'closed';

/** A channel as the books told it at some moment. */
export type ChannelFacts = {
  readonly id: Uint8Array;
  readonly channelNo: bigint;
  readonly partition: number;
  /** The payer's public key in the 65-byte form, which libsecp256k1 reads without a square root. */
  readonly payerKey: Uint8Array;
  readonly payee: Address;
  readonly depositUnits: Units;
  readonly commitment: TickCommitment | undefined;
  readonly state: ChannelState;
  readonly closesAtMs: bigint;
  readonly acceptedUnits: Units;
  readonly tickIndex: bigint;
  readonly tickPreimage: Uint8Array;
};

/**
 * A channel in this process's memory: what the books told, raised by what this process itself has
 * seen durably logged. `acceptedUnits`, `tickIndex` and `state` only ever move forward, so news may
 * arrive late, twice or from two sources in any order.
 */
export type Channel = {
  -readonly [Key in keyof ChannelFacts]: ChannelFacts[Key];
} & {
  /** The payee as a word of the signed message; made at the first voucher, since most channels idle. */
  payeeWord: Uint8Array | undefined;
};

const ORDER: Readonly<Record<ChannelState, number>> = { open: 0, closing: 1, closed: 2 };

/** A channel seen for the first time. */
export function channelFrom(facts: ChannelFacts): Channel {
  return { ...facts, payeeWord: undefined };
}

/** Takes what is newer in some facts about a known channel. */
export function learn(channel: Channel, facts: ChannelFacts): void {
  if (ORDER[facts.state] > ORDER[channel.state]) {
    channel.state = facts.state;
    channel.closesAtMs = facts.closesAtMs;
  } else if (channel.state === 'closing' && facts.state === 'closing') {
    // The payee may end at once what the payer began to end with a delay: the earlier end counts.
    if (facts.closesAtMs < channel.closesAtMs) channel.closesAtMs = facts.closesAtMs;
  }
  raise(channel, facts.acceptedUnits);
  advanceTick(channel, facts.tickIndex, facts.tickPreimage);
}

/** Notes that the channel durably owes at least this much. */
export function raise(channel: Channel, acceptedUnits: Units): void {
  if (acceptedUnits > channel.acceptedUnits) channel.acceptedUnits = acceptedUnits;
}

/** Notes the last accepted tick; later ones are hashed forward to it. */
export function advanceTick(channel: Channel, index: bigint, preimage: Uint8Array): void {
  if (index <= channel.tickIndex) return;
  channel.tickIndex = index;
  // A copy: the bytes of a message are a slice of a larger buffer, which must not live as long.
  channel.tickPreimage = Uint8Array.from(preimage);
}

/** The refusal of a channel that takes no payments at this time; undefined while it does. */
export function notAccepting(channel: Channel, nowMs: bigint): Refusal | undefined {
  if (channel.state === 'open') return undefined;
  if (channel.state === 'closing' && nowMs < channel.closesAtMs) return undefined;
  return refuse('CHANNEL_CLOSED', 'the channel no longer takes payments');
}

/** The payee as a 32-byte word of the signed message. */
export function payeeWordOf(channel: Channel): Uint8Array {
  channel.payeeWord ??= addressWord(channel.payee);
  return channel.payeeWord;
}
