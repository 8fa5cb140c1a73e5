import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { eventually } from '#libs/testing';
import { KeySigner } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { HOT_WALLET_KEY, payee, scan, tickUntil, UNIT, World } from './world.js';

// Three nodes of one chain, of which the last misbehaves. Solidification lags far behind, so that what
// is done in time is not done because a block was solidified.
const GONE = 1;
const BAD = 2;
const FOR_EVER = 1_000_000;
let world: World;
let parts: Parts;
let next = 0;
let bad: string;

beforeAll(async () => {
  world = await World.start({ morePorts: [0, 0], solidLagBlocks: 20 });
  await world.fillReserves(1_000_000n);
  const { urls } = world.devchain;
  bad = new URL(urls[BAD] ?? '').host;
  parts = world.boot({
    TRON_NODE_URL: '',
    TRON_NODE_URLS: urls.join(','),
    TRON_TIMEOUT_MS: '3000',
  });
});
afterEach(() => world.devchain.clearFaults());
afterAll(() => world.stop());

const plan = async (asset = Asset.TRC20_BTT) => {
  const number = ++next;
  const to = payee(number);
  const id = world.books.request(number, asset, to, 5n);
  const run = await parts.runs.run();
  if (!run.ok) throw new Error(run.detail);
  return { id, to };
};
const paid = async ({ id, to }: { id: string; to: string }) => {
  await tickUntil(world, parts, () => world.books.stateOf(id) === 'SOLIDIFIED');
  expect(await world.trc20Of(to)).toBe(5n * UNIT);
};
const signed = async () => {
  const [row] = await parts.database.sql<{ count: string }[]>`
    select count(*) from settlement.attempts`;
  return Number(row?.count);
};

describe('three nodes', () => {
  it.each([
    ['is gone', { kind: 'http-error', path: '/wallet', status: 503 }],
    ['answers too late', { kind: 'delay-after', path: '/wallet', delayMs: 10_000 }],
    ['has an old head', { kind: 'stale-solid', path: '/walletsolidity/', blocks: 2 }],
    ['takes a broadcast for nothing', { kind: 'lie-success' }],
    ['alters what was signed', { kind: 'alter', path: '/walletsolidity/getblock' }],
  ] as const)('pay once when one %s', async (_name, fault) => {
    world.devchain.arm(fault, FOR_EVER, BAD);
    await paid(await plan());
  });

  it('stop signing when one lies about a solidified block, say which, and go on when it does not', async () => {
    await scan(parts);
    // Two that agree are enough, whenever the third one answers: so one of them is gone.
    const gone = { kind: 'http-error', path: '/walletsolidity/', status: 503 } as const;
    world.devchain.arm(gone, FOR_EVER, GONE);
    const path = '/walletsolidity/gettransactioninfobyblocknum';
    world.devchain.arm({ kind: 'alter', path }, FOR_EVER, BAD);
    await world.fillReserves(1n);
    const payout = await plan();
    const before = await signed();
    // A node that failed in the test before may still be left alone for a while.
    await eventually(() => expect(scan(parts)).rejects.toMatchObject({ failure: 'disagreement' }));
    await parts.driver.round();
    expect(parts.driver.paused).toMatch(/disagree about block \d+: .* against/);
    expect(parts.driver.paused).toContain(bad);
    expect((await parts.status.read()).paused).toContain(bad);
    expect(await signed()).toBe(before);
    world.devchain.clearFaults();
    await paid(payout);
    expect(parts.driver.paused).toBe('');
  });
});

describe('the hot wallet’s permissions', () => {
  it('stop signing within two blocks when they change, long before that is solidified', async () => {
    const payout = await plan();
    const before = await signed();
    const { devchain } = world;
    await devchain.setProducing(false);
    const from = devchain.headNumber;
    const response = await fetch(`${devchain.url}/dev/permissions`, {
      method: 'POST',
      body: JSON.stringify({
        privateKey: HOT_WALLET_KEY,
        keys: [new KeySigner(HOT_WALLET_KEY).address, payee(99_999)],
        threshold: 1,
      }),
    });
    expect(response.ok).toBe(true);
    await devchain.mine();
    await scan(parts);
    await parts.driver.round();
    expect(devchain.headNumber - from).toBeLessThanOrEqual(2);
    expect(devchain.solidNumber).toBeLessThan(from);
    expect(parts.driver.paused).toContain('name a key that is not its own');
    expect(await signed()).toBe(before);
    await devchain.setProducing(true);
    await world.solidify();
    await parts.driver.round();
    expect(parts.driver.paused).toContain('name a key that is not its own');
    expect(world.books.stateOf(payout.id)).not.toBe('SOLIDIFIED');
  });
});
