import type { Tick } from '#libs/contracts';
import { sha256 } from '#libs/crypto';
import { LIMITS } from '#libs/domain';
import { toBuffer } from './bytes.js';

const STEPS_MAX = BigInt(LIMITS.tickStepsMax);

/**
 * The ticks that lead from tick `provenIndex` up to `tick`, which is the last of them, none further from
 * the one before than may be hashed at once. A tick gives every lower one by hashing, so whoever holds
 * one that is refused as too far ahead sends these instead, one after another: the ledger names the
 * proven index in the refusal's detail, `DescribeChannel` as `tick_index`. Those between may be answered
 * SUPERSEDED and help all the same.
 *
 * Hashes tick.index − provenIndex times at most: ask only about ticks that were checked, or bounded.
 */
export function ticksUpTo(tick: Tick, provenIndex: bigint): Tick[] {
  const ticks = [tick];
  const { channelId } = tick;
  let preimage: Uint8Array = tick.preimage;
  let index = tick.index;
  const strides = (tick.index - provenIndex - 1n) / STEPS_MAX;
  for (let stride = strides; stride > 0n; stride--) {
    const next = provenIndex + stride * STEPS_MAX;
    for (; index > next; index--) preimage = sha256(preimage);
    ticks.push({ channelId, index, preimage: toBuffer(preimage) });
  }
  return ticks.reverse();
}
