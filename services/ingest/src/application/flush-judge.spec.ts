import { describe, expect, it } from 'vitest';
import { newKeys, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import type { ProofBatch } from '../crypto/proof-verifier.js';
import { INGEST_LIMITS } from './limits.js';

/** Notes how many proofs each round asks for. */
function roundsOf(fixture: Fixture): number[] {
  const sizes: number[] = [];
  const verify = fixture.verifier.verify.bind(fixture.verifier);
  fixture.verifier.verify = (batch: ProofBatch) => {
    sizes.push(batch.size);
    return verify(batch);
  };
  return sizes;
}

/** One voucher each of so many senders on one channel, all of them forged, all in one flush. */
function forgeries(fixture: Fixture, count: number, stranger = newKeys()) {
  const channel = fixture.open();
  const posts = Array.from({ length: count }, (_, at) => ({
    vouchers: [fixture.voucher(channel, 1_000n + BigInt(at), stranger)],
    sender: `host${at}:1`,
  }));
  return { channel, post: () => posts.map((p) => fixture.results(p, p.sender)) };
}

describe('forged maxima of many senders on one channel', () => {
  it('are tried in rounds that double, below them the honest payment', async () => {
    const fixture = new Fixture();
    const { channel, post } = forgeries(fixture, 60);
    const sizes = roundsOf(fixture);
    const forged = post();
    const honest = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] }, 'honest:1');
    expect(await honest).toEqual([5n]);
    expect(await Promise.all(forged)).toEqual(new Array(60).fill(['BAD_SIGNATURE']));
    expect(sizes).toEqual([1, 2, 4, 8, 16, 30]);
  });

  it('answer a claim that was tried in vain below the winner by the winner, and charge nobody', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const stranger = newKeys();
    const forged = fixture.results({ vouchers: [fixture.voucher(channel, 9n, stranger)] }, 'a:1');
    const honest = fixture.results({ vouchers: [fixture.voucher(channel, 8n)] }, 'b:1');
    const below = fixture.results({ vouchers: [fixture.voucher(channel, 7n, stranger)] }, 'c:1');
    expect(await Promise.all([forged, honest, below])).toEqual([['BAD_SIGNATURE'], [8n], [8n]]);
    expect(fixture.verifier.verified).toBe(3);
  });

  it('hold up no other channel beyond the checks of one flush, and are judged in the next', async () => {
    const fixture = new Fixture();
    const count = 2 * INGEST_LIMITS.contestChecksMax;
    const { channel, post } = forgeries(fixture, count);
    const sizes = roundsOf(fixture);
    const other = fixture.open();
    const order: string[] = [];
    const forged = post();
    const honest = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] }, 'honest:1');
    const good = fixture.results({ vouchers: [fixture.voucher(other, 6n)] }, 'good:1');
    void honest.then(() => order.push('on the attacked channel'));
    void good.then(() => order.push('on the other channel'));
    expect(await good).toEqual([6n]);
    const before = sizes.reduce((sum, size) => sum + size, 0);
    expect(await honest).toEqual([5n]);
    expect(order).toEqual(['on the other channel', 'on the attacked channel']);
    expect(new Set((await Promise.all(forged)).flat())).toEqual(new Set(['BAD_SIGNATURE']));
    expect(before).toBeLessThan(count);
    expect(fixture.verifier.verified).toBe(count + 2);
    expect(fixture.log.written).toHaveLength(2);
    expect(fixture.table.held).toBe(0);
  });

  it('cost by hashes when they are ticks', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const sizes = roundsOf(fixture);
    const forged = Array.from({ length: 8 }, (_, at) => {
      const lie = { ...tickOf(channel, 10_000 - at), preimage: Buffer.alloc(32, at) };
      return fixture.results({ ticks: [lie] }, `host${at}:1`);
    });
    const honest = fixture.results({ ticks: [tickOf(channel, 3)] }, 'honest:1');
    expect(await honest).toEqual([30n]);
    expect(new Set((await Promise.all(forged)).flat())).toEqual(new Set(['BAD_PREIMAGE']));
    // Of each flush the highest, then two: together more than the checks that are left.
    expect(sizes).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('keep a bundle whole in the log when one of its entries is judged later', async () => {
    const fixture = new Fixture();
    const stranger = newKeys();
    const [attacked, calm] = fixture.openTogether(2);
    const count = INGEST_LIMITS.contestChecksMax + 8;
    const forged = Array.from({ length: count }, (_, at) =>
      fixture.results(
        { vouchers: [fixture.voucher(attacked!, 1_000n + BigInt(at), stranger)] },
        `host${at}:1`,
      ),
    );
    const bundle = fixture.bundle([
      [attacked!, 5n],
      [calm!, 6n],
    ]);
    expect(await fixture.results({ bundles: [bundle] }, 'honest:1')).toEqual([5n, 6n]);
    await Promise.all(forged);
    const blocks = fixture.log.entries().filter(({ kind }) => kind === 'bundle');
    const wins = blocks.map((block) =>
      block.kind === 'bundle' ? block.entries.map(({ accepted }) => accepted) : [],
    );
    expect(wins).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});
