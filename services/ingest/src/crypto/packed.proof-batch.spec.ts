import { describe, expect, it } from 'vitest';
import { PackedProofBatch } from './packed.proof-batch.js';
import { CHUNK_COST, COST, PROOF } from './proof-layout.js';
import { addProof, bundleOf, tickOf, voucherOf } from './proofs.kit.js';

const voucher = voucherOf(1);
const bundle = bundleOf(2, 3);

describe('a packed batch', () => {
  it('is cut into chunks of like cost', () => {
    const batch = new PackedProofBatch();
    const perChunk = Math.ceil(CHUNK_COST / (COST.signature + COST.item));
    for (let n = 0; n < perChunk * 5 + 1; n++) batch.addVoucher(...voucher);
    expect(batch.chunks).toBe(6);
    batch.reset();
    expect([batch.size, batch.chunks]).toEqual([0, 0]);
    const [preimage, , anchor] = tickOf(1, 1);
    for (let n = 0; n < CHUNK_COST; n++) batch.addTick(preimage, 1, anchor);
    expect(batch.chunks).toBe(2);
    batch.reset();
    for (let n = 0; n < 4; n++) batch.addTick(preimage, 10_000, anchor);
    expect(batch.chunks).toBe(4);
  });

  it('keeps the numbers of items apart from the entries of bundles', () => {
    const batch = new PackedProofBatch();
    addProof(batch, { kind: 'bundle', proof: bundle });
    batch.addVoucher(...voucher);
    batch.addTick(new Uint8Array(31), 1, new Uint8Array(32));
    expect(batch.size).toBe(3);
  });

  it('gives the bytes of a bundle back that turns out malformed', () => {
    const batch = new PackedProofBatch();
    batch.addBundle(...bundle.head);
    batch.addBundleEntry(bundle.leaves[0]!.channelId, 1n);
    batch.addBundleEntry(new Uint8Array(33), 1n);
    batch.addBundleEntry(bundle.leaves[2]!.channelId, 1n);
    batch.addVoucher(...voucher);
    const { bytes, chunks } = batch.share(1);
    expect(batch.size).toBe(2);
    expect([bytes[0], bytes[1]]).toEqual([PROOF.malformed, PROOF.voucher]);
    expect([...chunks.subarray(0, 4)]).toEqual([0, 0, 2, 199]);
  });

  it('does not go on after a bundle that lacks entries, nor take more', () => {
    const batch = new PackedProofBatch();
    batch.addBundle(...bundle.head);
    batch.addBundleEntry(bundle.leaves[0]!.channelId, 1n);
    expect(() => batch.addVoucher(...voucher)).toThrow('lacks entries');
    expect(() => batch.share(1)).toThrow('lacks entries');
    batch.addBundleEntry(bundle.leaves[1]!.channelId, 1n);
    batch.addBundleEntry(bundle.leaves[2]!.channelId, 1n);
    expect(() => batch.addBundleEntry(bundle.leaves[2]!.channelId, 1n)).toThrow('more entries');
    batch.addVoucher(...voucher);
    expect(batch.size).toBe(2);
  });

  it('leaves memory behind that workers may still write to', () => {
    const batch = new PackedProofBatch();
    batch.addVoucher(...voucher);
    const first = batch.share(1);
    batch.abandon();
    batch.reset();
    batch.addVoucher(...voucher);
    expect(batch.share(2).results.buffer).not.toBe(first.results.buffer);
    batch.release();
    expect(batch.share(3).results.buffer).not.toBe(first.results.buffer);
  });
});
