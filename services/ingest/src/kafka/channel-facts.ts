import { ChannelState, type ChannelView } from '#libs/contracts';
import { isAddress, LIMITS, partitionOf } from '#libs/domain';
import type { ChannelFacts, ChannelState as StateName } from '../domain/channel.js';

const STATES: Partial<Record<ChannelState, StateName>> = {
  [ChannelState.OPEN]: 'open',
  [ChannelState.CLOSING]: 'closing',
  [ChannelState.CLOSED]: 'closed',
};

const HASH_BYTES = 32;

/**
 * A channel's view off the wire as facts; throws a TypeError that names what is wrong. The bytes are
 * slices of the message, so facts are for passing on at once or copying.
 */
export function factsOf(view: ChannelView, partitions: number): ChannelFacts {
  const state = STATES[view.state];
  if (state === undefined) throw new TypeError(`state ${view.state} is unknown`);
  if (view.channelId.length !== HASH_BYTES) throw new TypeError('channel_id has not 32 bytes');
  // Marks are read by partition: a channel elsewhere than its id says would escape them.
  if (view.partition !== partitionOf(view.channelId, partitions)) {
    throw new TypeError(`partition ${view.partition} is not that of the channel's id`);
  }
  if (view.payerPublicKey.length !== 65 || view.payerPublicKey[0] !== 4) {
    throw new TypeError('payer_public_key is not an uncompressed key');
  }
  if (!isAddress(view.payee)) throw new TypeError('payee is no TRON address');
  const commitment = commitmentOf(view);
  const isTickPaid = commitment !== undefined && view.tickIndex > 0n;
  if (isTickPaid && view.tickPreimage.length !== HASH_BYTES) {
    throw new TypeError('tick_preimage has not 32 bytes');
  }
  return {
    id: view.channelId,
    channelNo: view.channelNo,
    partition: view.partition,
    signerKey: view.payerPublicKey,
    payee: view.payee,
    depositUnits: view.depositUnits,
    commitment,
    state,
    closesAtMs: view.closesAtMs,
    acceptedUnits: view.cumulativeUnits,
    tickIndex: view.tickIndex,
    tickPreimage: isTickPaid ? view.tickPreimage : (commitment?.chainEnd ?? new Uint8Array(0)),
  };
}

function commitmentOf({ ticks }: ChannelView): ChannelFacts['commitment'] {
  if (ticks === undefined) return undefined;
  if (ticks.chainEnd.length !== HASH_BYTES) throw new TypeError('chain_end has not 32 bytes');
  if (ticks.ticksMax <= 0n || ticks.ticksMax > LIMITS.ticksMax) {
    throw new TypeError(`ticks_max ${ticks.ticksMax} is out of range`);
  }
  return {
    chainEnd: ticks.chainEnd,
    tickValueUnits: ticks.tickValueUnits,
    ticksMax: ticks.ticksMax,
    baseUnits: ticks.baseUnits,
  };
}
