import { LIMITS, type Refusal, refuse, type TickCommitment, type Units } from '#libs/domain';
import { type Channel, notAccepting } from './channel.js';
import { type ClaimRefusal, superseded } from './claim.js';
import type { Ladder } from './ladder.js';

/** A tick as it arrives. */
export type TickMessage = {
  readonly channelId: Uint8Array;
  readonly index: bigint;
  readonly preimage: Uint8Array;
};

/** The ladder of a tick; its proof is the preimage. Committed, range and deposit stand for "payee, expiry, deposit". */
export const TICK_LADDER: Ladder<TickMessage> = {
  kind: 'tick',
  checkForm,
  checkStanding,
  mayBeBehind: isFarAhead,
  claim: (tick, channel) => ({
    kind: 'tick',
    channel,
    cumulativeUnits:
      channel.commitment === undefined ? 0n : tickUnits(tick.index, channel.commitment),
    detail: tick.index,
    proof: tick.preimage,
  }),
};

function checkForm(tick: TickMessage): Refusal | undefined {
  if (tick.channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
  if (tick.index <= 0n) return refuse('MALFORMED', 'index must be above 0');
  if (tick.preimage.length !== 32) return refuse('MALFORMED', 'preimage must have 32 bytes');
  if (tick.index > LIMITS.ticksMax) {
    return refuse('LIMIT_EXCEEDED', `no chain has more than ${LIMITS.ticksMax} ticks`);
  }
  return undefined;
}

function checkStanding(
  tick: TickMessage,
  channel: Channel,
  nowMs: bigint,
): ClaimRefusal | undefined {
  const closed = notAccepting(channel, nowMs);
  if (closed !== undefined) return closed;
  const { commitment } = channel;
  if (commitment === undefined) {
    return refuse('TICKS_NOT_COMMITTED', 'the channel was opened without a hash chain');
  }
  return (
    checkRange(tick, channel, commitment) ??
    checkDeposit(tick, channel, commitment) ??
    superseded(channel, tickUnits(tick.index, commitment))
  );
}

// True when a tick is further ahead of the last one we know of than may be hashed in one step.
function isFarAhead(tick: TickMessage, channel: Channel): boolean {
  return tick.index - channel.tickIndex > BigInt(LIMITS.tickStepsMax);
}

// What a channel owes after so many ticks.
function tickUnits(index: bigint, commitment: TickCommitment): Units {
  return index * commitment.tickValueUnits;
}

function checkRange(
  tick: TickMessage,
  channel: Channel,
  commitment: TickCommitment,
): Refusal | undefined {
  if (tick.index > commitment.ticksMax) {
    return refuse('TICK_OUT_OF_RANGE', `the chain has ${commitment.ticksMax} ticks`);
  }
  if (!isFarAhead(tick, channel)) return undefined;
  return refuse(
    'TICK_OUT_OF_RANGE',
    `at most ${LIMITS.tickStepsMax} ticks ahead of tick ${channel.tickIndex}; send one between`,
  );
}

function checkDeposit(
  tick: TickMessage,
  channel: Channel,
  commitment: TickCommitment,
): Refusal | undefined {
  if (tickUnits(tick.index, commitment) <= channel.depositUnits) return undefined;
  return refuse('ABOVE_DEPOSIT', `the channel's deposit is ${channel.depositUnits} units`);
}
