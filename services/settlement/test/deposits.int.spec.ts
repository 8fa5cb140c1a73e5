import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abiAddress, type ChainWallet, callData, type Deployable } from '#libs/tron';
import { compileFile } from '../../../contracts/src/compiler.js';
import type { Parts } from '../src/parts.js';
import { scan, UNIT, World } from './world.js';

let world: World;
let parts: Parts;
let alice: ChainWallet;
let hostile: Map<string, Deployable>;
beforeAll(async () => {
  world = await World.start();
  parts = world.boot();
  alice = await world.customer(0xa11ce, 1_000n * UNIT, 1_000n);
  hostile = compileFile(`${import.meta.dirname}/../../../contracts/test/HostileTokens.sol`);
});
afterAll(() => world.stop());

const settle = async () => {
  await world.solidify();
  await scan(parts);
  await parts.booking.round();
};
const depositsOf = async (txid: string) => parts.deposits.find(Buffer.from(txid, 'hex'));

describe('deposits', () => {
  it('credits both assets once, to the sender, in whole units', async () => {
    const { trc20Address, vaultAddress, trc10Id, hotWalletAddress } = world.place;
    const trc20 = await alice.sendTrc20(trc20Address, vaultAddress, 7n * UNIT + 123n);
    const trc10 = await alice.sendTrc10(trc10Id, hotWalletAddress, 11n);
    await settle();
    expect(world.books.creditedTo(alice.address)).toBe(18n);
    expect(await depositsOf(trc20)).toMatchObject([{ units: 7n, state: 2, sender: alice.address }]);
    expect(await depositsOf(trc10)).toMatchObject([{ units: 11n, state: 2, index: 0 }]);
    await settle();
    expect(world.books.deposits.size).toBe(2);
  });

  it('credits nothing on the word of a lone node that alters what was signed', async () => {
    await settle();
    const before = world.books.deposits.size;
    const txid = await alice.sendTrc10(world.place.trc10Id, world.place.hotWalletAddress, 3n);
    await world.solidify();
    world.devchain.arm({ kind: 'alter', path: '/walletsolidity/getblockbynum' }, 1_000);
    await expect(scan(parts)).rejects.toMatchObject({ failure: 'contradiction' });
    world.devchain.clearFaults();
    expect(await depositsOf(txid)).toEqual([]);
    await settle();
    expect(await depositsOf(txid)).toMatchObject([{ units: 3n, state: 2 }]);
    expect(world.books.deposits.size).toBe(before + 1);
  });

  it('credits nothing before it is solidified', async () => {
    await settle();
    await world.devchain.setProducing(false);
    const before = world.books.deposits.size;
    const txid = await alice.submit(
      {
        kind: 'trc10',
        tokenId: world.place.trc10Id,
        to: world.place.hotWalletAddress,
        amountBaseUnits: 1n,
      },
      0n,
    );
    await world.devchain.mine();
    expect(await world.chain.inclusion(txid)).toBeDefined();
    await scan(parts);
    await parts.booking.round();
    expect(await depositsOf(txid)).toEqual([]);
    expect(world.books.deposits.size).toBe(before);
    await world.devchain.setProducing(true);
    await settle();
    expect(await depositsOf(txid)).toMatchObject([{ state: 2 }]);
  });

  it('goes on where it was after a restart and while the ledger was down', async () => {
    const txid = await alice.sendTrc10(world.place.trc10Id, world.place.hotWalletAddress, 2n);
    await world.solidify();
    await scan(parts);
    world.books.failing = 1;
    await expect(parts.booking.round()).rejects.toThrow('does not book');
    expect(await depositsOf(txid)).toMatchObject([{ state: 1 }]);
    await world.kill(parts);
    parts = world.boot();
    await settle();
    expect(await depositsOf(txid)).toMatchObject([{ state: 2 }]);
  });

  it('records dust without crediting it', async () => {
    const { trc20Address, vaultAddress } = world.place;
    const txid = await alice.sendTrc20(trc20Address, vaultAddress, UNIT - 1n);
    const before = world.books.creditedTo(alice.address);
    await settle();
    expect(await depositsOf(txid)).toMatchObject([
      { state: 4, units: 0n, baseUnits: (UNIT - 1n).toString() },
    ]);
    expect(world.books.creditedTo(alice.address)).toBe(before);
  });

  it('keeps a contract’s transfer in suspense', async () => {
    const { trc20Address, vaultAddress } = world.place;
    const forwarder = await world.faucet.deploy(
      hostile.get('Forwarder') as Deployable,
      Buffer.alloc(0),
    );
    await world.faucet.sendTrc20(trc20Address, forwarder, 5n * UNIT);
    const forward = (name: string) =>
      callData(`${name}(address,address,uint256)`, [
        abiAddress(trc20Address),
        abiAddress(vaultAddress),
        3n * UNIT,
      ]);
    const txid = await alice.trigger(forwarder, forward('forward'));
    await settle();
    expect(await depositsOf(txid)).toMatchObject([{ state: 3, units: 3n, sender: forwarder }]);
    expect(world.books.creditedTo(forwarder)).toBe(0n);
    // The same call undone at its end: its logs are worth nothing.
    const call = { kind: 'trigger', contract: forwarder, data: forward('forwardAndFail') } as const;
    const reverted = await alice.submit(call, 1_000_000_000n);
    await expect(alice.waitFor(reverted)).rejects.toThrow('REVERT');
    await settle();
    expect(await depositsOf(reverted)).toEqual([]);
  });

  it('credits the account that a call of the vault names, also when a contract calls', async () => {
    const { trc20Address, vaultAddress } = world.place;
    const bob = await world.customer(0xb0b);
    await alice.trigger(
      trc20Address,
      callData('approve(address,uint256)', [abiAddress(vaultAddress), 100n * UNIT]),
    );
    const called = await alice.trigger(
      vaultAddress,
      callData('deposit(address,uint256)', [abiAddress(bob.address), 6n * UNIT]),
    );
    const forwarder = await world.faucet.deploy(
      hostile.get('Forwarder') as Deployable,
      Buffer.alloc(0),
    );
    await world.faucet.sendTrc20(trc20Address, forwarder, 5n * UNIT);
    const forwarded = await alice.trigger(
      forwarder,
      callData('depositFor(address,address,address,uint256)', [
        abiAddress(trc20Address),
        abiAddress(vaultAddress),
        abiAddress(bob.address),
        4n * UNIT,
      ]),
    );
    await settle();
    expect(world.books.creditedTo(bob.address)).toBe(10n);
    expect(await depositsOf(called)).toMatchObject([
      { state: 2, sender: alice.address, account: bob.address },
    ]);
    expect(await depositsOf(forwarded)).toMatchObject([{ state: 2, sender: forwarder }]);
  });

  it('credits a transfer beside a deposit of the same amount to its sender', async () => {
    const { trc20Address, vaultAddress } = world.place;
    const twice = await world.faucet.deploy(
      hostile.get('Forwarder') as Deployable,
      Buffer.alloc(0),
    );
    await world.faucet.sendTrc20(trc20Address, twice, 6n * UNIT);
    const carol = await world.customer(0xca201);
    const txid = await alice.trigger(
      twice,
      callData('sendAndDeposit(address,address,address,uint256)', [
        abiAddress(trc20Address),
        abiAddress(vaultAddress),
        abiAddress(carol.address),
        3n * UNIT,
      ]),
    );
    await settle();
    expect(await depositsOf(txid)).toMatchObject([
      { state: 3, units: 3n, account: twice },
      { state: 2, units: 3n, account: carol.address },
    ]);
    expect(world.books.creditedTo(carol.address)).toBe(3n);
  });

  it('lets one of two readers store a block', async () => {
    const txid = await alice.sendTrc10(world.place.trc10Id, world.place.hotWalletAddress, 4n);
    await world.solidify();
    const other = world.boot();
    await Promise.all([scan(parts), scan(other)]);
    await Promise.all([parts.booking.round(), other.booking.round()]);
    expect(await depositsOf(txid)).toMatchObject([{ state: 2, units: 4n }]);
    await world.kill(other);
  });

  it('stops when a block does not follow the one before', async () => {
    await settle();
    await parts.database.sql`update settlement.cursor set last_block_id = ${'00'.repeat(32)}`;
    await world.devchain.mine(2);
    await expect(scan(parts)).rejects.toMatchObject({ failure: 'contradiction' });
  });
});
