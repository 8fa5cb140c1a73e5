import { ChannelState, type ChannelView } from '#libs/contracts';
import type { ChannelFacts } from '../src/domain/channel.js';

const STATES = {
  open: ChannelState.OPEN,
  closing: ChannelState.CLOSING,
  closed: ChannelState.CLOSED,
} as const;

/** Facts as balance publishes them. */
export function viewOf(facts: ChannelFacts): ChannelView {
  return {
    channelId: Buffer.from(facts.id),
    channelNo: facts.channelNo,
    partition: facts.partition,
    payerPublicKey: Buffer.from(facts.signerKey),
    payee: facts.payee,
    depositUnits: facts.depositUnits,
    state: STATES[facts.state],
    closesAtMs: facts.closesAtMs,
    ticks: facts.commitment && {
      chainEnd: Buffer.from(facts.commitment.chainEnd),
      tickValueUnits: facts.commitment.tickValueUnits,
      ticksMax: facts.commitment.ticksMax,
      baseUnits: facts.commitment.baseUnits,
    },
    cumulativeUnits: facts.acceptedUnits,
    tickIndex: facts.tickIndex,
    tickPreimage: Buffer.from(facts.tickPreimage),
  };
}
