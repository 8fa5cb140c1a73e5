import { sha256 } from '@noble/hashes/sha2.js';
import { type Address, concatBytes, fromHex, toHex, type Units, uintWord } from '#libs/domain';
import type { Pair } from './clearing.js';

/** A winner of a round; ids are hex. */
export type Match = {
  readonly matchId: string;
  readonly roundNo: bigint;
  readonly askId: string;
  readonly bidId: string;
  readonly provider: Address;
  readonly requester: Address;
  readonly swarm: string;
  readonly priceUnits: Units;
  readonly volumeMib: bigint;
  readonly slotRateMib: number;
  readonly channelId: string;
  readonly depositUnits: Units;
};

const text = new TextEncoder();
const MATCH_TAG = text.encode('swarmledger match v1');
const LEASE_TAG = text.encode('swarmledger lease v1');

/** Id of a match: SHA-256(tag ‖ round ‖ ask ‖ bid). A pair meets at most once in a round. */
export function matchIdOf(roundNo: bigint, askId: string, bidId: string): string {
  return toHex(sha256(concatBytes(MATCH_TAG, uintWord(roundNo), fromHex(askId), fromHex(bidId))));
}

/**
 * Channel id of a match's lease: SHA-256(tag ‖ match id). Ids of channels that clients open are
 * keccak-256 of something else, so nobody can take a lease's id before it opens.
 */
export function leaseIdOf(matchId: string): string {
  return toHex(sha256(concatBytes(LEASE_TAG, fromHex(matchId))));
}

/** The match that a pair becomes at the round's price. */
export function matchOf(pair: Pair, roundNo: bigint, priceUnits: Units): Match {
  const { ask, bid } = pair;
  const matchId = matchIdOf(roundNo, ask.orderId, bid.orderId);
  return {
    matchId,
    roundNo,
    askId: ask.orderId,
    bidId: bid.orderId,
    provider: ask.owner,
    requester: bid.owner,
    swarm: bid.swarm,
    priceUnits,
    volumeMib: bid.volumeMib,
    slotRateMib: ask.slotRateMib,
    channelId: leaseIdOf(matchId),
    depositUnits: priceUnits * bid.volumeMib,
  };
}
