import { createHash } from 'node:crypto';
import { createKeccak } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { sha256 } from '#libs/crypto';
import { addressFromBytes, bundleRoot, Digests, domainSeparator } from '#libs/domain';
import { BlockHasher } from './block-hasher.js';
import { DigestWriter } from './digest-writer.js';
import { BUNDLE, ENTRY_BYTES, VOUCHER } from './proof-layout.js';
import { bytesOf, DOMAIN } from './proofs.kit.js';

describe('the block hasher', () => {
  const hasher = new BlockHasher();

  it('hashes forward as SHA-256 does', () => {
    let value: Uint8Array = bytesOf(32, 1);
    for (let steps = 0; steps < 60; steps++) {
      expect(Buffer.from(hasher.forward(bytesOf(32, 1), steps))).toEqual(Buffer.from(value));
      value = createHash('sha256').update(value).digest();
    }
  });

  // Sizes fall and rise: nothing may be left over from a larger tree.
  it.each([256, 1, 2, 3, 255, 4, 5, 6, 7, 8, 9, 31, 32, 33, 64, 100])(
    'finds the root of %i leaves',
    (count) => {
      const leaves = Array.from({ length: count }, (_, at) => ({
        channelId: bytesOf(32, at),
        cumulativeUnits: 2n ** 62n + BigInt(at * count),
      }));
      const entries = Buffer.alloc(count * ENTRY_BYTES);
      for (const [at, { channelId, cumulativeUnits }] of leaves.entries()) {
        entries.set(channelId, at * ENTRY_BYTES);
        entries.writeBigInt64BE(cumulativeUnits, at * ENTRY_BYTES + 32);
      }
      expect(Buffer.from(hasher.root(entries, count))).toEqual(
        Buffer.from(bundleRoot(leaves, sha256)),
      );
    },
  );
});

describe('the digest writer', () => {
  it('writes the digests of libs/domain', async () => {
    const writer = new DigestWriter(await createKeccak(256), domainSeparator(DOMAIN));
    const digests = new Digests(DOMAIN);
    for (const units of [0n, 1n, 255n, 2n ** 40n + 7n, 2n ** 63n - 1n]) {
      const voucher = Buffer.from(bytesOf(VOUCHER.bytes + 3, Number(units % 1000n)));
      voucher.writeBigInt64BE(units, 3 + VOUCHER.cumulative);
      voucher.writeBigInt64BE(units / 3n, 3 + VOUCHER.validUntil);
      const channelId = voucher.subarray(3 + VOUCHER.channelId, 3 + VOUCHER.payee);
      const payee = voucher.subarray(3 + VOUCHER.payee, 3 + VOUCHER.cumulative);
      expect(Buffer.from(writer.voucher(voucher, 3))).toEqual(
        Buffer.from(
          digests.voucher({
            channelId,
            payee: addressFromBytes(payee),
            cumulativeUnits: units,
            validUntilMs: units / 3n,
          }),
        ),
      );
      const bundle = Buffer.alloc(BUNDLE.bytes);
      bundle.writeUInt16BE(200, BUNDLE.count);
      bundle.writeBigInt64BE(units, BUNDLE.validUntil);
      const root = bytesOf(32, 4);
      expect(Buffer.from(writer.bundle(bundle, 0, root))).toEqual(
        Buffer.from(digests.bundle({ root, count: 200, validUntilMs: units })),
      );
    }
  });
});
