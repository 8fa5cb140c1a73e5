import { ChannelState, type ChannelView } from '#libs/contracts';
import type { ChannelFacts, ChannelState as StateName } from '../domain/channel.js';

const STATES: Partial<Record<ChannelState, StateName>> = {
  [ChannelState.OPEN]: 'open',
  [ChannelState.CLOSING]: 'closing',
  [ChannelState.CLOSED]: 'closed',
};

/**
 * A channel's view off the wire as facts; throws a TypeError that names what is wrong. Bytes are
 * copied: those of a message are slices of a larger buffer that would stay in memory with them.
 */
export function factsOf(view: ChannelView, partitions: number): ChannelFacts {
  const state = STATES[view.state];
  if (state === undefined) throw new TypeError(`state ${view.state} is unknown`);
  if (view.channelId.length !== 32) throw new TypeError('channel_id has not 32 bytes');
  if (view.partition < 0 || view.partition >= partitions) {
    throw new TypeError(`partition ${view.partition} is not one of ${partitions}`);
  }
  if (view.payerPublicKey.length !== 65 || view.payerPublicKey[0] !== 4) {
    throw new TypeError('payer_public_key is not an uncompressed key');
  }
  const commitment = view.ticks && {
    chainEnd: Uint8Array.from(view.ticks.chainEnd),
    tickValueUnits: view.ticks.tickValueUnits,
    ticksMax: view.ticks.ticksMax,
  };
  const noTickYet = view.tickIndex === 0n;
  return {
    id: Uint8Array.from(view.channelId),
    channelNo: view.channelNo,
    partition: view.partition,
    payerKey: Uint8Array.from(view.payerPublicKey),
    payee: view.payee,
    depositUnits: view.depositUnits,
    commitment,
    state,
    closesAtMs: view.closesAtMs,
    acceptedUnits: view.cumulativeUnits,
    tickIndex: view.tickIndex,
    tickPreimage: noTickYet
      ? (commitment?.chainEnd ?? new Uint8Array(0))
      : Uint8Array.from(view.tickPreimage),
  };
}
