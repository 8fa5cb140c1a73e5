import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainWallet, KeySigner } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { HOT_WALLET_KEY, scan, UNIT, World } from './world.js';

// The hot wallet is another one from now on; somebody still has the key of the former one.

let world: World;
let parts: Parts;
let former: ChainWallet;
let unread: string;
const latter = new KeySigner('0d'.repeat(32));

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000n);
  former = new ChainWallet({ url: world.devchain.url, timeoutMs: 5_000 }, HOT_WALLET_KEY);
  await world.faucet.sendTrx(latter.address, 1_000_000n);
  const before = world.boot();
  await scan(before);
  await world.kill(before);
  // Settlement was stopped at once: it has not read this when it is started with the new key.
  unread = await former.sendTrx(world.faucet.address, 1n);
  await world.solidify();
  parts = world.boot({}, latter);
  await scan(parts);
});
afterAll(() => world.stop());

const read = async () => {
  await world.solidify();
  await scan(parts);
  await parts.booking.round();
};
const unexplained = async () => (await parts.scans.unexplained()).txid;

describe('a former hot wallet', () => {
  it('has nothing credited: what comes from it is the ledger’s own', async () => {
    const { trc10Id, trc20Address, vaultAddress } = world.place;
    await world.faucet.sendTrc20(trc20Address, former.address, UNIT);
    await former.sendTrc10(trc10Id, latter.address, 900n);
    await former.sendTrc20(trc20Address, vaultAddress, UNIT);
    const customer = await world.customer(0xc0, 0n, 7n);
    await customer.sendTrc10(trc10Id, latter.address, 7n);
    await read();
    expect(world.books.creditedTo(former.address)).toBe(0n);
    expect(world.books.creditedTo(customer.address)).toBe(7n);
  });

  it('stops settlement by what it did before the new key was in use, and by nothing later', async () => {
    await read();
    expect(await unexplained()).toBe(unread);
    const words = { operator: 'olga', reason: 'a theft' };
    await parts.explanations.explain({ txid: Buffer.from(unread, 'hex'), ...words });
    await former.sendTrx(world.faucet.address, 2n);
    await read();
    expect(await unexplained()).toBeNull();
  });

  it('is remembered by every process from then on, also when its key comes back', async () => {
    const { former: known, sinceBlock } = await parts.hotWallets.use(latter.address, 10n ** 9n);
    expect([...known]).toEqual([former.address]);
    expect(sinceBlock).toBeLessThan(10n ** 9n);
    expect(await parts.hotWallets.use(former.address, 10n ** 9n)).toEqual({
      former: new Set([latter.address]),
      sinceBlock: 10n ** 9n,
    });
    await expect(parts.database.sql`delete from settlement.hot_wallets`).rejects.toThrow(
      'permission denied',
    );
  });
});
