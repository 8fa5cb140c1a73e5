import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '#libs/observability';
import { EventLoopVerifier } from './event-loop.verifier.js';
import type { ProofBatch, ProofVerifier } from './proof-verifier.js';
import { type AnyProof, addProof, bundleOf, DOMAIN, tickOf, voucherOf } from './proofs.kit.js';
import { WorkerPoolVerifier } from './worker-pool.verifier.js';

// The threads and the plain form judge any mix of good, damaged and malformed proofs alike.
const logger = createLogger({ name: 'test', level: 'silent' });
const plain = new EventLoopVerifier(DOMAIN);
let pool: WorkerPoolVerifier;
beforeAll(async () => {
  pool = await WorkerPoolVerifier.start({ domain: DOMAIN, logger, threads: 2 });
});
afterAll(() => pool.close());

// Made once; signing for every case would be most of the test's time.
const vouchers = Array.from({ length: 12 }, (_, i) => voucherOf(i, BigInt(i) ** 16n));
const ticks = Array.from({ length: 12 }, (_, i) => tickOf(i, 1 + i * i));
const bundles = Array.from({ length: 12 }, (_, i) => bundleOf(i + 1, i < 9 ? i + 1 : 20 * i));

const damage = fc.record({ at: fc.nat(255), xor: fc.integer({ min: 0, max: 255 }) });
const lengthened = fc.constantFrom(-1, 0, 0, 0, 0, 0, 0, 0, 1);
const bytes = (good: Uint8Array) =>
  fc.tuple(fc.nat(9), damage, lengthened).map(([luck, { at, xor }, more]) => {
    if (luck > 0) return good;
    const bad = new Uint8Array(good.length + more);
    bad.set(good.subarray(0, bad.length));
    bad[at % bad.length]! ^= xor;
    return bad;
  });
const amount = (good: bigint) =>
  fc.oneof(
    { weight: 25, arbitrary: fc.constant(good) },
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    // Equal to the signed amount in the lowest 64 bits only.
    fc.constantFrom(good + 2n ** 64n, good - 2n ** 64n, 2n ** 63n - 1n, 2n ** 63n, -1n, 0n),
  );
const count = (good: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(good) },
    fc.constantFrom(0, -1, 1.5, Number.NaN, 10_001, good + 1),
  );

const voucher = fc
  .constantFrom(...vouchers)
  .chain(([key, id, payee, units, until, signature]) =>
    fc
      .tuple(bytes(key), bytes(id), bytes(payee), amount(units), amount(until), bytes(signature))
      .map((proof): AnyProof => ({ kind: 'voucher', proof })),
  );
const tick = fc
  .constantFrom(...ticks)
  .chain(([preimage, steps, anchor]) =>
    fc
      .tuple(bytes(preimage), count(steps), bytes(anchor))
      .map((proof): AnyProof => ({ kind: 'tick', proof })),
  );
const bundle = fc.constantFrom(...bundles).chain(({ head, leaves }) =>
  fc
    .record({
      key: bytes(head[0]),
      until: amount(head[1]),
      signature: bytes(head[2]),
      leaf: fc.nat(leaves.length - 1),
      id: bytes(leaves[0]!.channelId),
      units: amount(leaves[0]!.cumulativeUnits),
      isWhole: fc.nat(4).map((n) => n > 0),
      turn: fc.nat(9).map((n) => n === 0),
      more: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, -1, 256),
    })
    .map((bad): AnyProof => {
      const kept = [...leaves];
      if (!bad.isWhole) kept[bad.leaf] = { channelId: bad.id, cumulativeUnits: bad.units };
      if (bad.turn) kept.reverse();
      if (bad.more < 0 && kept.length > 1) kept.pop();
      while (bad.more > 0 && kept.length <= bad.more)
        kept.push(...leaves.slice(0, 257 - kept.length));
      return {
        kind: 'bundle',
        proof: { head: [bad.key, bad.until, bad.signature, kept.length], leaves: kept },
      };
    }),
);

async function judge(verifier: ProofVerifier, batch: ProofBatch, proofs: readonly AnyProof[]) {
  batch.reset();
  for (const proof of proofs) addProof(batch, proof);
  expect(batch.size).toBe(proofs.length);
  return [...(await verifier.verify(batch))];
}

it('judges as the plain form does', async () => {
  const [ours, theirs] = [pool.batch(), plain.batch()];
  let held = 0;
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(voucher, tick, bundle), { maxLength: 40 }),
      async (proofs) => {
        const expected = await judge(plain, theirs, proofs);
        expect(await judge(pool, ours, proofs)).toEqual(expected);
        for (const result of expected) result === 1 ? held++ : failed++;
      },
    ),
    { numRuns: 150 },
  );
  // A property over proofs that all fail, or all hold, would say little.
  expect(Math.min(held, failed)).toBeGreaterThan(100);
});
