import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorpusFolder } from '../../../load-tests/src/bench/corpus/corpus-folder.js';
import type { CorpusPlan } from '../../../load-tests/src/bench/corpus/plan.js';
import { makeStream } from '../../../load-tests/src/bench/corpus/stream-maker.js';
import { AckLog, FRAME, readAckTimes } from '../../../load-tests/src/bench/generator/ack-log.js';
import { Generator } from '../../../load-tests/src/bench/generator/generator.js';
import { Histogram } from '../../../load-tests/src/bench/generator/histogram.js';
import { PLANS } from './corpus.kit.js';
import { PackedStub, type StubFaults } from './packed-stub.kit.js';

let folder: string;
let stub: PackedStub;
let generator: Generator | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-generator-'));
});
afterEach(() => {
  generator?.close();
  stub.close();
  rmSync(folder, { recursive: true });
});

async function start(plan: CorpusPlan, faults: StubFaults = {}): Promise<Generator> {
  for (const stream of [0, 1]) {
    await makeStream(new CorpusFolder(folder, plan), stream, plan.framesMax, () => undefined);
  }
  stub = new PackedStub(faults);
  const order = {
    corpusRoot: folder,
    plan,
    addresses: [await stub.listen()],
    session: 'me',
    folder,
  };
  generator = new Generator(order);
  await generator.open();
  return generator;
}

const rate = (itemsPerSecond: number) => ({ kind: 'rate', itemsPerSecond }) as const;
const nothing = () => undefined;

describe('a generator', () => {
  it.each(Object.entries(PLANS))(
    'sends %ss at the given rate and logs what was acknowledged',
    async (_kind, plan) => {
      const running = await start(plan);
      const result = await running.phase({ name: 'a', mode: rate(800), seconds: 0.5 }, nothing);
      expect(result.sent).toBeGreaterThanOrEqual(5 * plan.batchItems);
      expect(result.sent).toBeLessThanOrEqual(27 * plan.batchItems);
      expect(result).toMatchObject({
        acked: result.sent,
        refused: {},
        gaveUp: false,
        exhausted: false,
      });
      expect(result.behindSeconds).toBeLessThan(0.4);
      expect(result.ackedInTime).toBeGreaterThan(0.5 * result.sent);
      const latency = new Histogram(result.latency);
      expect(latency.count).toBe(result.sent / plan.batchItems);
      expect(latency.at(0.5)).toBeGreaterThan(1);
      expect(stub.sessions).toEqual(['me', 'me']);
      for (const [stream, owed] of stub.streams.entries()) {
        const log = AckLog.load(folder, stream);
        expect(log.frames.filter((frame) => frame === FRAME.answered)).toHaveLength(
          result.framesSent[stream] ?? -1,
        );
        for (const [handle, units] of owed) expect(log.receipts[handle]).toBe(units);
      }
      const times = [...readAckTimes(result.timesFile)];
      expect(times.reduce((sum, { items }) => sum + items, 0)).toBe(result.acked);
      expect(times[0]?.positions).toEqual([{ partition: 3, offset: 0 }]);
    },
  );

  it('goes on where it was in the next phase, and says when the corpus is at its end', async () => {
    const running = await start(PLANS.voucher);
    await running.phase({ name: 'a', mode: rate(800), seconds: 0.2 }, nothing);
    const rest = await running.phase(
      { name: 'b', mode: { kind: 'window', items: 64 }, seconds: 5 },
      nothing,
    );
    expect(rest.exhausted).toBe(true);
    expect(rest.framesSent[0]).toBeGreaterThan(38);
    expect(running.unanswered).toBe(0);
    expect(stub.batches).toBe((rest.framesSent[0] ?? 0) + (rest.framesSent[1] ?? 0));
  });

  it('sends no more than its window in window mode', async () => {
    const running = await start(PLANS.voucher, { delayMs: 100 });
    const result = await running.phase(
      { name: 'a', mode: { kind: 'window', items: 64 }, seconds: 0.45 },
      nothing,
    );
    expect(result.sent).toBeGreaterThanOrEqual(64);
    expect(result.sent).toBeLessThanOrEqual(5 * 64);
  });

  it('counts latency from when a frame was due, not from when it could be sent', async () => {
    const running = await start(PLANS.voucher, { delayMs: 150 });
    const result = await running.phase({ name: 'a', mode: rate(1_600), seconds: 0.3 }, nothing);
    expect(new Histogram(result.latency).at(0.5)).toBeGreaterThan(149);
    expect(result.behindSeconds).toBeGreaterThan(0.1);
  });

  it('counts refusals by their reason and logs the items', async () => {
    const running = await start(PLANS.voucher, { refused: [3, 5] });
    const result = await running.phase({ name: 'a', mode: rate(800), seconds: 0.1 }, nothing);
    const frames = result.sent / 16;
    expect(result.refused).toEqual({ OVERLOADED: 2 * frames });
    expect(result.acked).toBe(14 * frames);
    expect(AckLog.load(folder, 0).refused.slice(0, 4)).toEqual([0, 3, 0, 5]);
  });

  it('gives up at the first refusal where that is what it looks for', async () => {
    const running = await start(PLANS.voucher, { refused: [3] });
    const mode = { ...rate(160), untilRefused: true };
    const result = await running.phase({ name: 'a', mode, seconds: 60 }, nothing);
    expect(result).toMatchObject({ gaveUp: true, exhausted: false });
    expect(result.sent).toBeLessThan(60 * 160);
    expect(running.unanswered).toBe(0);
  });

  it('fails when a stream breaks, when no server is there, and when a channel is refused', async () => {
    const running = await start(PLANS.voucher, { breakAfter: 5 });
    const phase = running.phase({ name: 'a', mode: rate(1_600), seconds: 2 }, nothing);
    await expect(phase).rejects.toThrow('a stream was lost: 14 UNAVAILABLE: broken on purpose');
    stub.close();
    const order = {
      corpusRoot: folder,
      plan: PLANS.voucher,
      addresses: ['127.0.0.1:1'],
      session: '',
      folder,
    };
    const alone = new Generator(order);
    await expect(alone.open()).rejects.toThrow('UNAVAILABLE');
    alone.close();
    await expect(start(PLANS.voucher, { refuseChannels: true })).rejects.toThrow(
      '1 channels cannot be paid',
    );
  });
});
