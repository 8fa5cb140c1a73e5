import { claimsOf } from './corpus/claims.js';
import { type CorpusPlan, channelAt } from './corpus/plan.js';
import { type AckLog, FRAME } from './generator/ack-log.js';

/** What the comparison of the ack log with the ledger found. */
export type Reconciliation = {
  readonly sent: number;
  readonly acked: number;
  readonly refused: number;
  /** Payments that were sent and never answered. */
  readonly unanswered: number;
  /** Acknowledged payments that the ledger does not have: units acknowledged and not owed. */
  readonly lostAcks: number;
  /** Units that the ledger has and nobody signed. */
  readonly invented: number;
  /** The first few channels that are wrong, in a sentence each. */
  readonly complaints: readonly string[];
};

const COMPLAINTS_MAX = 5;

/** One stream's side of a run: its log, and the frames that were sent, in order. */
export type StreamEvidence = {
  readonly log: AckLog;
  readonly frames: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

/**
 * Trusts the bytes that were sent, the generator's ack log and the ledger's channels; nothing that any
 * of them counted. An acknowledged item or receipt says what a channel owes at least, the highest item
 * sent what it owes at most. `owed` is by number of the channel; every unit is one payment.
 */
export async function reconcile(
  plan: CorpusPlan,
  streams: readonly StreamEvidence[],
  owed: Float64Array,
): Promise<Reconciliation> {
  const atLeast = new Float64Array(plan.channels);
  const atMost = new Float64Array(plan.channels);
  const counts = { sent: 0, acked: 0, refused: 0, unanswered: 0 };
  for (const [stream, { log, frames }] of streams.entries()) {
    const refused = refusedByFrame(log);
    let number = 0;
    for await (const frame of frames) {
      const answered = log.frames[number] === FRAME.answered;
      const not = refused.get(number);
      const items = claimsOf(frame, (handle, units, item) => {
        const channel = channelAt(plan, stream, handle);
        raise(atMost, channel, units);
        if (answered && !not?.has(item)) raise(atLeast, channel, units);
      });
      counts.sent += items;
      counts.refused += not?.size ?? 0;
      if (answered) counts.acked += items - (not?.size ?? 0);
      else counts.unanswered += items;
      number += 1;
    }
    for (const [handle, units] of log.receipts.entries()) {
      raise(atLeast, channelAt(plan, stream, handle), units);
    }
  }
  return { ...counts, ...compare(atLeast, atMost, owed) };
}

function refusedByFrame(log: AckLog): Map<number, Set<number>> {
  const frames = new Map<number, Set<number>>();
  for (let at = 0; at < log.refused.length; at += 2) {
    const [frame = 0, item = 0] = log.refused.slice(at, at + 2);
    const items = frames.get(frame) ?? new Set();
    frames.set(frame, items.add(item));
  }
  return frames;
}

function raise(units: Float64Array, channel: number, to: number): void {
  if (to > (units[channel] ?? 0)) units[channel] = to;
}

function compare(
  atLeast: Float64Array,
  atMost: Float64Array,
  owed: Float64Array,
): Pick<Reconciliation, 'lostAcks' | 'invented' | 'complaints'> {
  let [lostAcks, invented] = [0, 0];
  const complaints: string[] = [];
  for (const [channel, units] of owed.entries()) {
    const [least, most] = [atLeast[channel] ?? 0, atMost[channel] ?? 0];
    lostAcks += Math.max(0, least - units);
    invented += Math.max(0, units - most);
    if ((units < least || units > most) && complaints.length < COMPLAINTS_MAX) {
      complaints.push(`channel ${channel} owes ${units}, acknowledged ${least}, sent ${most}`);
    }
  }
  return { lostAcks, invented, complaints };
}
