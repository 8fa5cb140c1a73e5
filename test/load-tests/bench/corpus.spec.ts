import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bundlesOf,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_TICK,
  PACKED_VOUCHER,
  recordsOf,
  StreamPackedRequest,
} from '#libs/contracts';
import { sha256, verify } from '#libs/crypto';
import { bundleRoot, channelIdOf, Digests, hashesForward, partitionOf } from '#libs/domain';
import { derive, payeesOf, payersOf } from '../../../load-tests/src/bench/corpus/accounts.js';
import { CHANNEL_RECORD, endsOf } from '../../../load-tests/src/bench/corpus/channels.js';
import { claimsOf } from '../../../load-tests/src/bench/corpus/claims.js';
import {
  CorpusFolder,
  decodeSegment,
  encodeSegment,
  framesPerSegment,
  readSegment,
} from '../../../load-tests/src/bench/corpus/corpus-folder.js';
import { Draws } from '../../../load-tests/src/bench/corpus/draws.js';
import {
  assertPlan,
  type CorpusPlan,
  channelAt,
  channelsOfStream,
  corpusName,
  LOG_PARTITIONS,
  validityFor,
} from '../../../load-tests/src/bench/corpus/plan.js';
import { OneNonceSigner } from '../../../load-tests/src/bench/corpus/signer.js';
import { makeStream, workOf } from '../../../load-tests/src/bench/corpus/stream-maker.js';
import { PLANS, smallPlan } from './corpus.kit.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'swarmledger-corpus-'));
});
afterEach(() => rmSync(root, { recursive: true }));

async function framesOf(plan: CorpusPlan, stream: number, frames = plan.framesMax) {
  const folder = new CorpusFolder(root, plan);
  await makeStream(folder, stream, frames, () => undefined);
  const segments = Math.ceil(frames / framesPerSegment(plan));
  const all = await Promise.all(
    Array.from({ length: segments }, (_, each) => readSegment(folder.segmentFile(stream, each))),
  );
  return { folder, records: folder.records(stream), frames: all.flat() };
}

function channel(records: Buffer, handle: number) {
  const at = handle * CHANNEL_RECORD.bytes;
  return {
    id: records.subarray(at, at + 32),
    chainEnd: records.subarray(at + CHANNEL_RECORD.chainEnd, at + CHANNEL_RECORD.chainEnd + 32),
    ticksMax: records.readUInt32BE(at + CHANNEL_RECORD.ticksMax),
  };
}

function batchOf(frame: Uint8Array) {
  const { sequence, content } = StreamPackedRequest.decode(frame);
  if (content?.$case !== 'batch') throw new Error('not a batch');
  return { sequence, ...content.value };
}

describe('frames', () => {
  it('of vouchers decode, verify under the payer, and pay one unit after the other', async () => {
    const plan = PLANS.voucher;
    const digests = new Digests(plan.domain);
    const parties = { payers: payersOf(plan), payees: payeesOf(plan) };
    for (const stream of [0, 1]) {
      const { frames, records } = await framesOf(plan, stream);
      const paid = new Map<number, bigint>();
      expect(frames).toHaveLength(plan.framesMax);
      for (const [number, frame] of frames.entries()) {
        const { sequence, vouchers, ticks, bundles } = batchOf(frame);
        expect([sequence, ticks.length, bundles.length]).toEqual([
          1_000_000n + BigInt(number),
          0,
          0,
        ]);
        expect(recordsOf(vouchers, PACKED_VOUCHER, 'vouchers')).toBe(plan.batchItems);
        for (let at = 0; at < vouchers.length; at += PACKED_VOUCHER.bytes) {
          const handle = vouchers.readUInt32BE(at);
          const cumulativeUnits = vouchers.readBigInt64BE(at + PACKED_VOUCHER.cumulativeUnits);
          expect(cumulativeUnits).toBe((paid.get(handle) ?? 0n) + 1n);
          paid.set(handle, cumulativeUnits);
          if (number > 3) continue;
          const { payer, payee } = endsOf(plan, channelAt(plan, stream, handle), parties);
          const digest = digests.voucher({
            channelId: channel(records, handle).id,
            payee: payee.address,
            cumulativeUnits,
            validUntilMs: vouchers.readBigInt64BE(at + PACKED_VOUCHER.validUntilMs),
          });
          const signature = vouchers.subarray(at + 20, at + PACKED_VOUCHER.bytes);
          expect(verify(digest, signature, payer.publicKey)).toBe(true);
        }
      }
    }
  });

  it('of ticks hash forward to the committed end, and leave no index out', async () => {
    const plan = PLANS.tick;
    const { frames, records } = await framesOf(plan, 1);
    const paid = new Map<number, number>();
    for (const frame of frames) {
      const { ticks } = batchOf(frame);
      for (let at = 0; at < ticks.length; at += PACKED_TICK.bytes) {
        const [handle, index] = [ticks.readUInt32BE(at), ticks.readUInt32BE(at + 4)];
        expect(index).toBe((paid.get(handle) ?? 0) + 1);
        paid.set(handle, index);
        const { chainEnd, ticksMax } = channel(records, handle);
        expect(index).toBeLessThanOrEqual(ticksMax);
        expect(hashesForward(ticks.subarray(at + 8, at + 40), index, chainEnd, sha256)).toBe(true);
      }
    }
    expect([...paid.values()].reduce((a, b) => a + b)).toBe(plan.framesMax * plan.batchItems);
  });

  it('of bundles verify with one signature for distinct channels of one payer and partition', async () => {
    const plan = PLANS.bundle;
    const digests = new Digests(plan.domain);
    const parties = { payers: payersOf(plan), payees: payeesOf(plan) };
    const { frames, records } = await framesOf(plan, 1, 10);
    for (const frame of frames.slice(0, 10)) {
      const { bundles } = batchOf(frame);
      for (const { at, count } of bundlesOf(bundles)) {
        expect(count).toBe(plan.groupChannels);
        const entries = Array.from({ length: count }, (_, entry) => {
          const from = at + PACKED_BUNDLE.bytes + entry * PACKED_BUNDLE_ENTRY.bytes;
          const handle = bundles.readUInt32BE(from);
          return {
            handle,
            channelId: channel(records, handle).id,
            cumulativeUnits: bundles.readBigInt64BE(from + 4),
          };
        });
        const partitions = entries.map(({ channelId }) => partitionOf(channelId, LOG_PARTITIONS));
        expect(new Set(partitions).size).toBe(1);
        expect(partitions[0]).toBeLessThan(plan.partitions);
        expect(new Set(entries.map(({ handle }) => handle)).size).toBe(count);
        const ends = entries.map(({ handle }) => endsOf(plan, channelAt(plan, 1, handle), parties));
        expect(new Set(ends.map(({ payer }) => payer.address)).size).toBe(1);
        const digest = digests.bundle({
          root: bundleRoot(entries),
          count,
          validUntilMs: bundles.readBigInt64BE(at),
        });
        const signature = bundles.subarray(at + PACKED_BUNDLE.signature, at + PACKED_BUNDLE.count);
        expect(verify(digest, signature, ends[0]?.payer.publicKey ?? new Uint8Array())).toBe(true);
      }
    }
  });

  it.each(Object.entries(PLANS))(
    'of %ss say what they claim in the order of their items',
    async (_kind, plan) => {
      const { frames } = await framesOf(plan, 0, 2);
      for (const frame of frames.slice(0, 2)) {
        const claims: [number, number][] = [];
        const items = claimsOf(frame, (handle, units) => claims.push([handle, units]));
        expect(items).toBe(plan.batchItems);
        expect(claims).toHaveLength(plan.batchItems);
        for (const [handle, units] of claims) {
          expect(handle).toBeLessThan(channelsOfStream(plan));
          expect(units).toBeGreaterThan(0);
        }
      }
    },
  );
});

describe('channels', () => {
  it('have the id of their terms and lie in the wanted partitions', async () => {
    const plan = smallPlan({ partitions: 2 });
    const { records } = await framesOf(plan, 0, 1);
    const parties = { payers: payersOf(plan), payees: payeesOf(plan) };
    for (let handle = 0; handle < channelsOfStream(plan); handle++) {
      const { id } = channel(records, handle);
      expect(partitionOf(id, LOG_PARTITIONS)).toBeLessThan(2);
      const number = channelAt(plan, 0, handle);
      const { payer, payee } = endsOf(plan, number, parties);
      const ids = Array.from({ length: 60 }, (_, attempt) =>
        channelIdOf(payer.address, payee.address, derive(plan, 'salt', number, attempt)),
      );
      expect(ids).toContainEqual(Uint8Array.from(id));
    }
    await makeStream(new CorpusFolder(root, plan), 1, 1, () => undefined);
    const ids = new Set(
      [0, 1].flatMap((stream) => {
        const all = new CorpusFolder(root, plan).records(stream);
        return Array.from({ length: 32 }, (_, handle) => channel(all, handle).id.toString('hex'));
      }),
    );
    expect(ids.size).toBe(plan.channels);
  });

  it('are each on one stream, under one handle', () => {
    for (const plan of Object.values(PLANS)) {
      const numbers = [0, 1].flatMap((stream) =>
        Array.from({ length: channelsOfStream(plan) }, (_, handle) =>
          channelAt(plan, stream, handle),
        ),
      );
      expect(new Set(numbers)).toEqual(new Set(Array.from({ length: plan.channels }, (_, n) => n)));
    }
  });
});

describe('files', () => {
  it('are made piece by piece and come out the same as at once', async () => {
    const plan = smallPlan({
      proof: 'tick',
      channels: 1_024,
      run: 4,
      batchItems: 2_048,
      framesMax: 60,
    });
    const folder = new CorpusFolder(root, plan);
    const size = framesPerSegment(plan);
    await makeStream(folder, 0, 1, () => undefined);
    expect(folder.missingSegments(0, 2 * size)).toEqual([1]);
    expect(workOf(folder, 0, 2 * size)).toBe(size * plan.batchItems);
    expect(framesPerSegment(plan)).toBeLessThan(plan.framesMax / 2);
    await makeStream(folder, 0, 2 * size, () => undefined);
    expect(workOf(folder, 0, 2 * size)).toBe(0);
    const second = readFileSync(folder.segmentFile(0, 1));
    rmSync(folder.path, { recursive: true });
    await makeStream(folder, 0, 2 * size, () => undefined);
    expect(readFileSync(folder.segmentFile(0, 1)).equals(second)).toBe(true);
  });

  it('that were damaged are noticed', async () => {
    const bytes = encodeSegment([Buffer.from('one'), Buffer.from('two')]);
    expect(decodeSegment(bytes, 'a').map(String)).toEqual(['one', 'two']);
    bytes[bytes.length - 1] = 0;
    const file = join(root, 'damaged');
    writeFileSync(file, bytes);
    await expect(readSegment(file)).rejects.toThrow(`${file} is damaged; delete it`);
    writeFileSync(file, Buffer.alloc(3));
    await expect(readSegment(file)).rejects.toThrow('damaged');
  });

  it('are named by every parameter', () => {
    const plan = smallPlan();
    const others: Partial<CorpusPlan>[] = [
      { seed: 'other' },
      { channels: 128 },
      { framesMax: 41 },
      { partitions: 7 },
      { choice: 'zipf' },
      { validUntilMs: 1n },
      { domain: { ...plan.domain, chainId: 8n } },
    ];
    const names = [plan, ...others.map((parts) => smallPlan(parts))].map(corpusName);
    expect(new Set(names).size).toBe(names.length);
    expect(corpusName(smallPlan())).toBe(corpusName(plan));
  });
});

describe('plans', () => {
  it.each<[string, Partial<CorpusPlan>]>([
    ['every stream has the same number of whole groups', { channels: 63 }],
    ['a frame holds whole runs of whole groups', { batchItems: 15 }],
    ['a stream has enough channels for one frame', { batchItems: 128 }],
    ['partitions are 1 to 8', { partitions: 9 }],
    ['only bundles have groups', { groupChannels: 2, run: 1 }],
    ['a bundle pays each channel once', { proof: 'bundle', groupChannels: 2 }],
  ])('break the rule: %s', (rule, parts) => {
    expect(() => assertPlan(smallPlan(parts))).toThrow(rule);
  });

  it('are valid for 180 days or more, within what the ledger allows', () => {
    for (const nowMs of [Date.now(), 1_800_000_000_000, 1_777_777_777_777]) {
      const days = (Number(validityFor(nowMs)) - nowMs) / 86_400_000;
      expect(days).toBeGreaterThanOrEqual(180);
      expect(days).toBeLessThanOrEqual(270);
    }
  });
});

describe('draws', () => {
  it('take turns, so that a channel comes back only after all others', () => {
    const draws = new Draws(smallPlan({ choice: 'round-robin', run: 1 }), 0);
    const groups = Array.from({ length: 4 }, () => [...draws.next()]).flat();
    expect(groups).toEqual([...Array(32).keys(), ...Array(32).keys()]);
  });

  it('follow Zipf without a channel twice in a frame', () => {
    const plan = smallPlan({ choice: 'zipf', channels: 2_048, batchItems: 32 });
    const draws = new Draws(plan, 0);
    const counts = new Map<number, number>();
    for (let frame = 0; frame < 2_000; frame++) {
      const groups = [...draws.next()];
      expect(new Set(groups).size).toBe(16);
      for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    const [first, tenth, last] = [0, 9, 1_000].map((group) => counts.get(group) ?? 0);
    expect(first).toBeGreaterThan(3 * (tenth ?? 0));
    expect(tenth).toBeGreaterThan(20 * (last ?? 0));
  });
});

describe('OneNonceSigner', () => {
  it('signs like any other, as far as who verifies can tell', () => {
    for (let key = 1; key < 20; key++) {
      const signer = new OneNonceSigner(sha256(Buffer.of(key)), sha256(Buffer.of(key, 1)));
      for (let message = 0; message < 10; message++) {
        const digest = sha256(Buffer.of(key, message, 7));
        const signature = new Uint8Array(70);
        signer.sign(digest, signature, 5);
        expect(verify(digest, signature.subarray(5, 69), signer.publicKey)).toBe(true);
      }
    }
  });
});
