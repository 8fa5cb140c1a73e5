import { TronWeb } from 'tronweb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import type { Parts } from '../src/parts.js';
import { HOT_WALLET_KEY, payee, scan, tickUntil, World } from './world.js';

const { TRC20_BTT, TRC10_BTTOLD } = Asset;
let world: World;
let parts: Parts;
let next = 0;
beforeAll(async () => {
  world = await World.start();
  parts = world.boot();
  await world.fillReserves(10_000n);
});
afterAll(() => world.stop());

const request = (asset: Asset, units: bigint): string => {
  const number = ++next;
  return world.books.request(number, asset, payee(0x5000 + number), units);
};
const read = async () => {
  await parts.intake.round();
  const view = await parts.drafts.read();
  if (!view.ok) throw new Error(view.detail);
  return view.value;
};
/** Runs what is due and returns what the chain charged for it. */
const pay = async (ids: readonly string[]) => {
  const run = await parts.runs.run();
  if (!run.ok) throw new Error(run.detail);
  await tickUntil(world, parts, () => ids.every((id) => world.books.stateOf(id) === 'SOLIDIFIED'));
  return parts.batches.find(run.value.map(({ batchNo }) => batchNo));
};

describe('a dry run', () => {
  it('foretells energy and fee of the run, within a few in a hundred', async () => {
    const ids = Array.from({ length: 25 }, () => request(TRC20_BTT, 2n));
    ids.push(request(TRC10_BTTOLD, 2n));
    const { draft, wallet } = await read();
    expect(wallet.blocked).toBeUndefined();
    expect(draft.transactions.map(({ way, payouts }) => [way, payouts.length])).toEqual([
      ['batch', 25],
      ['single', 1],
    ]);
    const batches = await pay(ids);
    const near = (actual: bigint, foretold: bigint) => {
      const off = Math.abs(Number(actual - foretold)) / Number(foretold);
      expect(off).toBeLessThan(0.03);
    };
    for (const [at, { energyUsed, feeSun }] of batches.entries()) {
      const { energy, feeSun: fee, feeMaxSun } = draft.transactions[at]!;
      if (energy > 0n) near(energyUsed, energy);
      near(feeSun, fee);
      expect(feeSun).toBeLessThanOrEqual(feeMaxSun);
    }
  });

  it('changes nothing', async () => {
    const id = request(TRC20_BTT, 3n);
    await read();
    expect(world.books.stateOf(id)).toBe('REQUESTED');
    expect(await parts.steps.open(10)).toEqual([]);
    await pay([id]);
  });

  it('counts what the hot wallet has staked, and so do the chain and the signing', async () => {
    const tronWeb = new TronWeb({ fullHost: world.devchain.url, privateKey: HOT_WALLET_KEY });
    const stake = await tronWeb.transactionBuilder.freezeBalanceV2(
      900_000_000_000,
      'ENERGY',
      world.place.hotWalletAddress,
    );
    const sent = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(stake));
    expect(sent.result).toBe(true);
    // It is in a block before what is solidified ends.
    await world.devchain.mine();
    await world.solidify();
    await scan(parts);
    const explained = { operator: 'olga', reason: 'staked for energy' };
    const txid = Buffer.from(stake.txID, 'hex');
    expect(await parts.explanations.explain({ txid, ...explained })).toMatchObject({ ok: true });
    const id = request(TRC20_BTT, 3n);
    const { draft, wallet } = await read();
    expect(wallet.allowance.energyLeft).toBeGreaterThan(draft.energy);
    const [batch] = await pay([id]);
    expect(batch!.energyUsed).toBeGreaterThan(60_000n);
    // Only the bytes were paid in TRX.
    expect(draft.feeSun).toBeLessThan(1_000_000n);
    expect(batch!.feeSun).toBeLessThan(1_000_000n);
  });

  it('says what is lacking, which signing then says too', async () => {
    const [large, small] = [request(TRC20_BTT, 50_000n), request(TRC10_BTTOLD, 3n)];
    const { draft } = await read();
    expect(draft.transactions.map(({ lack }) => lack)).toEqual([
      expect.stringContaining('the reserve of TRC20_BTT is short'),
      '',
    ]);
    // The other asset is paid meanwhile, even where what waits fills all places of its own.
    const narrow = world.boot({ IN_FLIGHT_MAX: '1' });
    const run = await parts.runs.run();
    expect(run.ok).toBe(true);
    await tickUntil(world, narrow, () => world.books.stateOf(small) === 'SOLIDIFIED');
    expect(world.books.stateOf(large)).toBe('PLANNED');
    expect(narrow.driver.paused).toContain('the reserve of TRC20_BTT is short');
  });

  it('is refused while the node does not answer', async () => {
    const path = '/wallet/getchainparameters';
    world.devchain.arm({ kind: 'http-error', path, status: 503 }, 10);
    expect(await parts.drafts.read()).toMatchObject({ ok: false, reason: 'UNAVAILABLE' });
    world.devchain.clearFaults();
  });
});
