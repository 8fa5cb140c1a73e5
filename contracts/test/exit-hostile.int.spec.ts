import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountLeaf, SumTree } from '#libs/domain';
import { abiAddress, callData } from '#libs/tron';
import { EXIT_TERMS } from '../src/deploy.js';
import { exitKit } from './exits.kit.js';
import { hex, proven, UNIT, VaultBench } from './vault.kit.js';

let bench: VaultBench;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());
const { account, payout, closedVault, exitAccount, collect, unitsOf, promise } = exitKit(
  () => bench,
);

describe('exits with hostile tokens', () => {
  it('keep the right of a payee whom the token refuses', async () => {
    const bad = await bench.deployHostile('PickyToken', 10_000n * UNIT);
    const leaf = account(5n);
    const closed = await closedVault(50n, [leaf, account(3n)], bad);
    const refuse = (how: number) =>
      bench.call(bench.faucet, bad, 'refuse(address,uint8)', [abiAddress(leaf.account), how]);
    await refuse(1);
    const exited = await exitAccount(closed, leaf);
    expect(exited.events.map(({ name }) => name)).toEqual(['AccountExited']);
    expect((await collect(closed, leaf.account)).error).toBe('TransferFailed');
    await refuse(0);
    expect((await collect(closed, leaf.account)).events).toMatchObject([{ name: 'ExitPaid' }]);
    expect(await unitsOf(leaf.account, bad)).toBe(5);
    expect((await collect(closed, leaf.account)).error).toBe('NothingDue');
  });

  it('cannot be entered again: neither for the same nor for another leaf', async () => {
    const bad = await bench.deployHostile('CallbackToken', 10_000n * UNIT);
    const leaves = [account(50n), account(50n)] as const;
    const closed = await closedVault(50n, leaves, bad);
    const inner = callData('exitAccount(bytes,bytes)', proven(closed.tree, leaves[1]));
    await bench.call(bench.faucet, bad, 'arm(address,bytes)', [abiAddress(closed.at), hex(inner)]);
    expect((await exitAccount(closed, leaves[0])).result).toBe('SUCCESS');
    expect(await unitsOf(leaves[0].account, bad)).toBe(25);
    expect(await unitsOf(leaves[1].account, bad)).toBe(0);
    expect((await exitAccount(closed, leaves[1])).result).toBe('SUCCESS');
    expect(await unitsOf(leaves[1].account, bad)).toBe(25);
  });

  it('never touch the reserve when the token eats more than it was told', async () => {
    const bad = await bench.deployHostile('GreedyToken', 10_000n * UNIT);
    const claimed = payout('greedy', 0, 10n);
    const leaves = [account(20n), account(20n)] as const;
    const at = await bench.vault(0n, bad);
    await bench.fill(at, 50n, bad);
    const tree = new SumTree(leaves);
    await bench.commit(at, 1n, tree.root);
    await promise(at, claimed);
    await bench.open(at);
    const closed = { at, tree, token: bad };
    for (const leaf of leaves) await exitAccount(closed, leaf);
    expect(await bench.balance(at, bad)).toBeGreaterThanOrEqual(10n * UNIT - 2n);
  });

  it('cannot be opened in the middle of a payment', async () => {
    const bad = await bench.deployHostile('CallbackToken', 1_000n * UNIT);
    const claimed = payout('late', 0, 10n);
    const at = await bench.vault(0n, bad);
    await bench.fill(at, 50n, bad);
    await bench.commit(at, 1n, new SumTree([account(40n)]).root);
    const tree = new SumTree([claimed]);
    await promise(at, claimed);
    await bench.pass(Number(EXIT_TERMS.exitDelayS) + 60);
    const open = callData('openExit()', []);
    await bench.call(bench.faucet, bad, 'arm(address,bytes)', [abiAddress(at), hex(open)]);
    const paid = await bench.call(bench.stranger, at, 'claim(bytes,bytes)', proven(tree, claimed));
    expect(paid.events.map(({ name }) => name)).toEqual(['Claimed']);
    const opened = await bench.call(bench.stranger, at, 'openExit()');
    expect(opened.events.map(({ name }) => name)).toEqual(['ExitOpened']);
  });

  it('leave the reserve alone when the token takes away what they would need', async () => {
    const bad = await bench.deployHostile('PickyToken', 10_000n * UNIT);
    const claimed = payout('seized', 0, 10n);
    const leaves = [account(20n), account(20n)] as const;
    const at = await bench.vault(0n, bad);
    await bench.fill(at, 50n, bad);
    const tree = new SumTree(leaves);
    await bench.commit(at, 1n, tree.root);
    await promise(at, claimed);
    await bench.open(at);
    const closed = { at, tree, token: bad };
    await exitAccount(closed, leaves[0]);
    await bench.call(bench.faucet, bad, 'seize(address,uint256)', [abiAddress(at), 15n * UNIT]);
    // Its share would be 12.5, but only 5 are free.
    await exitAccount(closed, leaves[1]);
    expect(await unitsOf(leaves[1].account, bad)).toBe(5);
    expect(await bench.balance(at, bad)).toBe(10n * UNIT);
  });

  it('never pay the vault itself, which would count twice', async () => {
    const at = await bench.vault(10n);
    const itself: AccountLeaf = { ...account(5n), account: at };
    const leaf = account(10n);
    const tree = new SumTree([itself, leaf]);
    await bench.commit(at, 1n, tree.root);
    await bench.open(at);
    const closed = { at, tree, token: bench.token };
    await exitAccount(closed, itself);
    await exitAccount(closed, leaf);
    // Ten of fifteen: two thirds, as before.
    expect(await bench.balance(leaf.account)).toBe((10n * UNIT * 10n) / 15n);
  });
});
