import { keccak_256 } from '@noble/hashes/sha3.js';
import { describe, expect, it } from 'vitest';
import { payeesOf, payersOf } from '../../../load-tests/src/bench/corpus/accounts.js';
import { channelRecords } from '../../../load-tests/src/bench/corpus/channels.js';
import { claimsOf } from '../../../load-tests/src/bench/corpus/claims.js';
import { FrameMaker } from '../../../load-tests/src/bench/corpus/frame-maker.js';
import { channelAt, channelsOfStream } from '../../../load-tests/src/bench/corpus/plan.js';
import { AckLog, FRAME } from '../../../load-tests/src/bench/generator/ack-log.js';
import { reconcile } from '../../../load-tests/src/bench/reconcile.js';
import { PLANS } from './corpus.kit.js';

const plan = PLANS.voucher;
const parties = { payers: payersOf(plan), payees: payeesOf(plan) };

/** Ten frames of both streams, all answered, and a ledger that owes what they say. */
function honestRun() {
  const owed = new Float64Array(plan.channels);
  const streams = [0, 1].map((stream) => {
    const records = channelRecords(plan, stream, parties, undefined);
    const maker = new FrameMaker(plan, stream, {
      ...parties,
      records,
      chains: undefined,
      keccak: keccak_256,
    });
    const frames = Array.from({ length: 10 }, () => maker.next());
    const log = new AckLog(plan.framesMax, channelsOfStream(plan));
    for (const [number, frame] of frames.entries()) {
      log.frames[number] = FRAME.answered;
      claimsOf(frame, (handle, units) => {
        log.receipts[handle] = Math.max(units, log.receipts[handle] ?? 0);
        const channel = channelAt(plan, stream, handle);
        owed[channel] = Math.max(units, owed[channel] ?? 0);
      });
    }
    return { log, frames };
  });
  return { streams, owed, all: 20 * plan.batchItems };
}

const paidChannel = (owed: Float64Array) => owed.findIndex((units) => units > 1);

describe('the reconciliation', () => {
  it('finds nothing in an honest run', async () => {
    const { streams, owed, all } = honestRun();
    expect(await reconcile(plan, streams, owed)).toEqual({
      sent: all,
      acked: all,
      refused: 0,
      unanswered: 0,
      lostAcks: 0,
      invented: 0,
      complaints: [],
    });
  });

  it('fails when an acknowledged payment is lost, by receipt or by item alone', async () => {
    const { streams, owed } = honestRun();
    const channel = paidChannel(owed);
    owed[channel] = (owed[channel] ?? 0) - 1;
    const lost = await reconcile(plan, streams, owed);
    expect(lost.lostAcks).toBe(1);
    expect(lost.complaints).toEqual([expect.stringMatching(`^channel ${channel} owes`)]);
    for (const { log } of streams) log.receipts.fill(0);
    expect((await reconcile(plan, streams, owed)).lostAcks).toBe(1);
    const receiptsOnly = honestRun();
    for (const { log } of receiptsOnly.streams) log.frames.fill(FRAME.sent);
    expect((await reconcile(plan, receiptsOnly.streams, owed)).lostAcks).toBe(1);
  });

  it('counts what is not answered, and lets the ledger have it or not', async () => {
    const { streams, owed, all } = honestRun();
    const log = streams[0]?.log;
    if (log === undefined) throw new Error('no stream');
    log.frames[9] = FRAME.sent;
    log.receipts.fill(0);
    const found = await reconcile(plan, streams, owed);
    expect(found).toMatchObject({
      sent: all,
      acked: all - 16,
      unanswered: 16,
      lostAcks: 0,
      invented: 0,
    });
  });

  it('does not ask for refused items', async () => {
    const { streams, owed, all } = honestRun();
    const [stream] = streams;
    if (stream === undefined) throw new Error('no stream');
    stream.log.receipts.fill(0);
    for (let item = 0; item < plan.batchItems; item++) stream.log.refused.push(9, item);
    const before = new Float64Array(plan.channels);
    claimsOf(stream.frames[9] ?? new Uint8Array(), (handle, units) => {
      const channel = channelAt(plan, 0, handle);
      before[channel] = Math.min(before[channel] || units - 1, units - 1);
    });
    for (const [channel, units] of before.entries()) if (units > 0) owed[channel] = units;
    const found = await reconcile(plan, streams, owed);
    expect(found).toMatchObject({ sent: all, acked: all - 16, refused: 16, lostAcks: 0 });
  });

  it('fails when a channel owes more than was ever sent', async () => {
    const { streams, owed } = honestRun();
    owed[paidChannel(owed)] = 1_000;
    const found = await reconcile(plan, streams, owed);
    expect(found.invented).toBeGreaterThan(900);
    expect(found.lostAcks).toBe(0);
    expect(found.complaints).toHaveLength(1);
  });
});
