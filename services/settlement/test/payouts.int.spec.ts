import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { callData } from '#libs/tron';
import { BATCH } from '../src/domain/states.js';
import type { Parts } from '../src/parts.js';
import { payee, tick, tickUntil, UNIT, World } from './world.js';

const { TRC20_BTT, TRC10_BTTOLD } = Asset;
let world: World;
let parts: Parts;
let next = 0;
beforeAll(async () => {
  world = await World.start();
  parts = world.boot();
  await world.fillReserves(1_000_000n);
});
afterAll(() => world.stop());

type Payout = { id: string; to: string; units: bigint; asset: Asset };
const request = (asset: Asset, units: bigint): Payout => {
  const number = ++next;
  const to = payee(number);
  return { id: world.books.request(number, asset, to, units), to, units, asset };
};
const run = async () => {
  const planned = await parts.runs.run();
  if (!planned.ok) throw new Error(planned.detail);
  return planned.value;
};
const ended = (payouts: readonly Payout[]) =>
  payouts.every(({ id }) => ['SOLIDIFIED', 'REFUNDED'].includes(world.books.stateOf(id)));
const paidOnChain = async ({ to, asset }: Payout) =>
  asset === TRC20_BTT ? (await world.trc20Of(to)) / UNIT : world.trc10Of(to);
const expectPaidOnce = async (payouts: readonly Payout[]) => {
  for (const payout of payouts) {
    expect(await paidOnChain(payout)).toBe(payout.units);
    expect(world.books.stateOf(payout.id)).toBe('SOLIDIFIED');
  }
};
const rows = (text: string) => parts.database.sql.unsafe(text);

describe('payouts', () => {
  it('pays TRC-20 in one batch and TRC-10 one by one, and tells the ledger every step', async () => {
    const payouts = [
      request(TRC20_BTT, 5n),
      request(TRC10_BTTOLD, 3n),
      request(TRC20_BTT, 7n),
      // The same amount to the same payee: two payments, not one.
      request(TRC10_BTTOLD, 4n),
    ];
    const twin = {
      ...payouts[3]!,
      id: world.books.request(++next, TRC10_BTTOLD, payouts[3]!.to, 4n),
    };
    const drafts = await parts.runs.plan();
    expect(drafts).toEqual([]);
    const batches = await run();
    expect(batches.map(({ asset, payouts: count }) => [asset, count])).toEqual([
      [TRC20_BTT, 2],
      [TRC10_BTTOLD, 1],
      [TRC10_BTTOLD, 1],
      [TRC10_BTTOLD, 1],
    ]);
    expect(world.books.stateOf(payouts[0]!.id)).toBe('PLANNED');
    await tickUntil(world, parts, () => ended([...payouts, twin]));
    await expectPaidOnce(payouts.slice(0, 3));
    expect(await world.trc10Of(twin.to)).toBe(8n);
    const [paid] = await parts.batches.find([batches[0]!.batchNo]);
    expect(paid).toMatchObject({ state: BATCH.solidified, failure: '' });
    expect(paid!.energyUsed).toBeGreaterThan(0n);
    expect(world.books.withdrawals.get(payouts[0]!.id)!.txid).toBe(paid!.txid!.toString('hex'));
  });

  it('does not pay what was cancelled before it was planned', async () => {
    const kept = request(TRC20_BTT, 2n);
    const cancelled = request(TRC20_BTT, 2n);
    await parts.intake.round();
    await parts.reports.round();
    expect(world.books.stateOf(cancelled.id)).toBe('QUEUED');
    world.books.cancel(cancelled.id);
    const [batch] = await run();
    expect(batch).toMatchObject({ payouts: 1, totalUnits: 2n });
    await tickUntil(world, parts, () => ended([kept]));
    expect(await paidOnChain(cancelled)).toBe(0n);
    expect(world.books.stateOf(cancelled.id)).toBe('CANCELLED');
  });

  it('gives back a withdrawal to the ledger itself', async () => {
    const id = world.books.request(++next, TRC20_BTT, world.place.vaultAddress, 5n);
    expect(await run()).toEqual([]);
    await parts.reports.round();
    expect(world.books.stateOf(id)).toBe('REFUNDED');
    expect(world.books.withdrawals.get(id)!.failure).toContain('belongs to the ledger');
  });

  it('holds a withdrawal that the ledger believes to be under way', async () => {
    const id = world.books.request(++next, TRC20_BTT, payee(next), 5n);
    world.books.withdrawals.get(id)!.state = 4;
    expect(await run()).toEqual([]);
    expect((await parts.payouts.counts()).get(7)).toBe(1);
    await parts.reports.round();
    expect(world.books.withdrawals.get(id)).toMatchObject({
      state: 4,
      note: expect.stringContaining('an operator has to look'),
    });
    world.books.withdrawals.delete(id);
  });

  it('keeps telling the ledger until it answers', async () => {
    const payout = request(TRC20_BTT, 2n);
    await run();
    world.books.failing = 1;
    await expect(parts.reports.round().then(() => tick(world, parts))).rejects.toThrow();
    await tickUntil(world, parts, () => ended([payout]));
    await expectPaidOnce([payout]);
  });
});

describe('a batch that fails on chain', () => {
  it('is split, and what cannot be paid goes back to its owner with the reason', async () => {
    const payouts = [request(TRC20_BTT, 5n), request(TRC20_BTT, 6n)];
    world.devchain.arm({ kind: 'fail-call', result: 'REVERT' }, 1);
    const [batch] = await run();
    const failed = async () =>
      (await parts.batches.find([batch!.batchNo]))[0]!.state === BATCH.failed;
    await tickUntil(world, parts, failed);
    const again = await run();
    expect(again.map(({ payouts: count }) => count)).toEqual([1, 1]);
    world.devchain.arm({ kind: 'fail-call', result: 'REVERT' }, 1);
    await tickUntil(world, parts, async () => {
      const states = await parts.batches.find(again.map(({ batchNo }) => batchNo));
      return states.every(({ state }) => state >= BATCH.solidified);
    });
    world.devchain.arm({ kind: 'fail-call', result: 'OUT_OF_ENERGY' }, 1);
    await run();
    await tickUntil(world, parts, () => ended(payouts));
    const states = payouts.map(({ id }) => world.books.stateOf(id)).sort();
    expect(states).toEqual(['REFUNDED', 'SOLIDIFIED']);
    for (const payout of payouts) {
      const refunded = world.books.stateOf(payout.id) === 'REFUNDED';
      expect(await paidOnChain(payout)).toBe(refunded ? 0n : payout.units);
      if (refunded) {
        const { failure } = world.books.withdrawals.get(payout.id)!;
        expect(failure).toBe('failed on chain: OUT_OF_ENERGY');
      }
    }
  });
});

describe('a batch that is too much for the chain', () => {
  it('is planned again as two halves, down to lone payouts, and nobody counts as failed for it', async () => {
    const payouts = Array.from({ length: 5 }, () => request(TRC20_BTT, 5n));
    const failing = async (result: 'OUT_OF_TIME' | 'OUT_OF_ENERGY', batches: number) => {
      world.devchain.arm({ kind: 'fail-call', result }, batches);
      const planned = await run();
      const numbers = planned.map(({ batchNo }) => batchNo);
      await tickUntil(world, parts, async () =>
        (await parts.batches.find(numbers)).every(({ state }) => state === BATCH.failed),
      );
      return planned.map(({ payouts: count }) => count);
    };
    expect(await failing('OUT_OF_TIME', 1)).toEqual([5]);
    expect(await failing('OUT_OF_ENERGY', 2)).toEqual([3, 2]);
    const tried = await parts.database.sql`
      select failures::int, batch_max::int as max from settlement.payouts where state = 2
      order by payout_no`;
    // A batch of two is at its end: each goes alone, and that counts.
    expect(tried.map(({ failures, max }) => [failures, max])).toEqual([
      [0, 2],
      [0, 2],
      [0, 2],
      [1, 3],
      [1, 3],
    ]);
    expect((await run()).map(({ payouts: count }) => count)).toEqual([2, 1, 1, 1]);
    await tickUntil(world, parts, () => ended(payouts));
    await expectPaidOnce(payouts);
  });
});

describe('a payee that the vault cannot pay', () => {
  it('does not hold up its batch, is tried again alone, and goes back to its owner', async () => {
    const NOBODY = 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb';
    const others = [request(TRC20_BTT, 5n), request(TRC20_BTT, 6n)];
    const number = ++next;
    const id = world.books.request(number, TRC20_BTT, NOBODY, 7n);
    const reserve = await world.trc20Of(world.place.vaultAddress);
    const [batch] = await run();
    expect(batch).toMatchObject({ payouts: 3 });
    await tickUntil(world, parts, () => ended(others));
    await expectPaidOnce(others);
    const [done] = await parts.batches.find([batch!.batchNo]);
    expect(done).toMatchObject({
      state: BATCH.solidified,
      failure: '1 of 3 payees could not be paid',
    });
    expect(world.books.stateOf(id)).not.toBe('SOLIDIFIED');
    await parts.reports.round();
    expect(world.books.withdrawals.get(id)?.note).toContain('is tried again: the token refused');
    for (let tries = 0; tries < 2; tries++) {
      const [alone] = await run();
      expect(alone).toMatchObject({ payouts: 1, totalUnits: 7n });
      await tickUntil(
        world,
        parts,
        async () => (await parts.batches.find([alone!.batchNo]))[0]!.state >= BATCH.solidified,
      );
    }
    await tickUntil(world, parts, () => world.books.stateOf(id) === 'REFUNDED');
    expect(world.books.withdrawals.get(id)!.failure).toBe(
      'the token refused to pay this destination',
    );
    expect(await world.trc20Of(world.place.vaultAddress)).toBe(reserve - 11n * UNIT);
  });
});

describe('a vault that must not pay', () => {
  const atVault = async (signature: string) => {
    await world.faucet.trigger(world.place.vaultAddress, callData(signature));
    await world.solidify();
  };

  it('stops signing while it is paused, and only that long', async () => {
    await atVault('pause()');
    const payout = request(TRC20_BTT, 4n);
    const [batch] = await run();
    await parts.driver.round();
    expect(parts.driver.paused).toBe('the vault is paused');
    expect((await parts.batches.find([batch!.batchNo]))[0]).toMatchObject({ attempts: 0 });
    await atVault('unpause()');
    await tickUntil(world, parts, () => ended([payout]));
    expect(parts.driver.paused).toBe('');
    await expectPaidOnce([payout]);
  });
});

describe('a transaction that is lost', () => {
  it.each([
    ['TRC-20, with the same batch id', TRC20_BTT],
    ['TRC-10', TRC10_BTTOLD],
  ])('is signed anew after proof of death: %s', async (_name, asset) => {
    const payout = request(asset, 9n);
    world.devchain.arm({ kind: 'drop' }, 100);
    const [batch] = await run();
    for (let ticks = 0; ticks < 4; ticks++) await tick(world, parts);
    const attempts = () =>
      rows(`select attempt, outcome, encode(txid, 'hex') as txid from settlement.attempts
        where batch_no = ${batch!.batchNo} order by attempt`);
    expect(await attempts()).toMatchObject([{ attempt: 1, outcome: 0 }]);
    const idBefore = (await parts.batches.find([batch!.batchNo]))[0]!.chainBatchId;
    world.devchain.clearFaults();
    await world.passTime(21_000);
    await tickUntil(world, parts, () => ended([payout]));
    const after = await attempts();
    expect(after).toMatchObject([
      { attempt: 1, outcome: 3 },
      { attempt: 2, outcome: 1 },
    ]);
    expect(after[0]!.txid).not.toBe(after[1]!.txid);
    expect((await parts.batches.find([batch!.batchNo]))[0]!.chainBatchId).toEqual(idBefore);
    await expectPaidOnce([payout]);
  });

  it.each([
    ['TRC-20', TRC20_BTT],
    ['TRC-10', TRC10_BTTOLD],
  ])('may come in the last block before its expiration: %s', async (_name, asset) => {
    const payout = request(asset, 6n);
    world.devchain.arm({ kind: 'hold' }, 1);
    const [batch] = await run();
    for (let ticks = 0; ticks < 3; ticks++) await tick(world, parts);
    expect(await paidOnChain(payout)).toBe(0n);
    await world.passTime(19_500);
    await world.passTime(21_000);
    await tickUntil(world, parts, () => ended([payout]));
    expect((await parts.batches.find([batch!.batchNo]))[0]).toMatchObject({ attempts: 1 });
    await expectPaidOnce([payout]);
  });

  it('is followed through a fork that undoes it', async () => {
    const payouts = [request(TRC20_BTT, 3n), request(TRC10_BTTOLD, 3n)];
    await world.devchain.setProducing(false);
    const batches = await run();
    const states = async () => {
      const found = await parts.batches.find(batches.map(({ batchNo }) => batchNo));
      return found.map(({ state }) => state);
    };
    await tick(world, parts);
    await tick(world, parts);
    await parts.driver.round();
    expect(await states()).toEqual([BATCH.confirmed, BATCH.confirmed]);
    await world.devchain.fork(1, 'drop');
    await parts.driver.round();
    expect(await states()).toEqual([BATCH.broadcast, BATCH.broadcast]);
    await world.devchain.setProducing(true);
    await tickUntil(world, parts, () => ended(payouts));
    await expectPaidOnce(payouts);
  });

  it('is paid once when the node lies, fails or answers too late', async () => {
    const payouts = [request(TRC20_BTT, 8n), request(TRC10_BTTOLD, 8n)];
    const path = '/wallet/broadcasthex';
    world.devchain.arm({ kind: 'lie-success' }, 1);
    world.devchain.arm({ kind: 'http-error', path, status: 503 }, 1);
    world.devchain.arm({ kind: 'http-error', path: '/wallet/gettransactioninfobyid', status: 429 });
    await run();
    await tickUntil(world, parts, () => ended(payouts));
    await expectPaidOnce(payouts);
  });
});
