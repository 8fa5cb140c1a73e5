import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChainWallet, KeySigner } from '#libs/tron';
import { DEPOSIT } from '../src/domain/states.js';
import type { Parts } from '../src/parts.js';
import { HOT_WALLET_KEY, scan, UNIT, World } from './world.js';

// The hot wallet is another one from now on; somebody still has the key of the former one.

let world: World;
let parts: Parts;
let former: ChainWallet;
let customer: ChainWallet;
let unread: string;
const latter = new KeySigner('0d'.repeat(32));

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000n);
  former = new ChainWallet({ url: world.devchain.url, timeoutMs: 5_000 }, HOT_WALLET_KEY);
  customer = await world.customer(0xc0, UNIT, 100n);
  await world.faucet.sendTrx(latter.address, 1_000_000n);
  const before = world.boot();
  await scan(before);
  await world.kill(before);
  // Settlement was stopped at once: it has not read this when it is started with the new key.
  await customer.sendTrc10(world.place.trc10Id, former.address, 5n);
  await world.operate(latter.address);
  unread = await former.sendTrx(world.faucet.address, 1n);
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
const deposits = (sender: string, state: number) =>
  parts.database.sql`
    select units from settlement.deposits where sender = ${sender} and state = ${state}
    order by block_number, index`;

describe('a former hot wallet', () => {
  it('has nothing credited of what comes from it: that is the ledger’s own', async () => {
    const { trc10Id, trc20Address, vaultAddress } = world.place;
    await world.faucet.sendTrc20(trc20Address, former.address, UNIT);
    await former.sendTrc10(trc10Id, latter.address, 900n);
    await former.sendTrc20(trc20Address, vaultAddress, UNIT);
    await customer.sendTrc10(trc10Id, latter.address, 7n);
    await read();
    expect(world.books.creditedTo(former.address)).toBe(0n);
    // What was sent to the former wallet while it was the one to send to counts as well.
    expect(world.books.creditedTo(customer.address)).toBe(5n + 7n);
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

  it('leaves it to an operator what others send it later', async () => {
    const { trc10Id, trc20Address } = world.place;
    await customer.sendTrc10(trc10Id, former.address, 3n);
    await customer.sendTrc20(trc20Address, former.address, UNIT);
    await read();
    expect(world.books.creditedTo(customer.address)).toBe(5n + 7n);
    expect(await deposits(customer.address, DEPOSIT.misdirected)).toEqual([
      { units: 3n },
      { units: 1n },
    ]);
  });
});

describe('a key that is not the vault’s operator', () => {
  it('reads nothing and is not remembered, so that the right one misses nothing', async () => {
    await customer.sendTrc10(world.place.trc10Id, latter.address, 2n);
    await world.solidify();
    const cursor = await parts.scans.cursor();
    const wrong = world.boot({}, new KeySigner('0e'.repeat(32)));
    await expect(wrong.watcher.round()).rejects.toThrow(
      `the vault's operator, ${latter.address}, is the hot wallet`,
    );
    expect(await wrong.scans.cursor()).toEqual(cursor);
    expect((await wrong.hotWallets.list()).map(({ address }) => address)).toEqual([
      former.address,
      latter.address,
    ]);
    await world.kill(wrong);
    await read();
    expect(world.books.creditedTo(customer.address)).toBe(5n + 7n + 2n);
  });

  it('stops reading when another process has replaced it', async () => {
    await world.operate(former.address);
    const again = world.boot();
    await scan(again);
    await expect(parts.watcher.round()).rejects.toThrow(
      `${former.address} is the hot wallet since block`,
    );
    await world.kill(again);
  });
});

it('cannot be forgotten by settlement', async () => {
  const { sql } = parts.database;
  await expect(sql`delete from settlement.hot_wallets`).rejects.toThrow('permission denied');
});
