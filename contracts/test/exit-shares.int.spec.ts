import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SumTree } from '#libs/domain';
import { abiAddress } from '#libs/tron';
import { EXIT_TERMS } from '../src/deploy.js';
import { exitKit } from './exits.kit.js';
import { DAY_S, hex, id32, person, UNIT, VaultBench } from './vault.kit.js';

const FILING_S = 180 * DAY_S;
const WINDOW_S = Number(EXIT_TERMS.challengeWindowS);

let bench: VaultBench;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());
const {
  account,
  channel,
  payout,
  closedVault,
  exitAccount,
  settleChannel,
  redeem,
  collect,
  unitsOf,
} = exitKit(() => bench);

describe('a vault that cannot pay all', () => {
  it('pays the same share to everybody, whoever comes first, and the rest when it comes', async () => {
    const paying = channel(40n);
    const leaves = [account(100n), account(60n)] as const;
    const closed = await closedVault(100n, [...leaves, paying.leaf]);
    await exitAccount(closed, leaves[0]);
    expect(await unitsOf(leaves[0].account)).toBe(50);
    await redeem(closed, paying, 30n);
    expect(await unitsOf(paying.leaf.payee)).toBe(15);
    expect((await collect(closed, leaves[0].account)).error).toBe('NothingDue');
    // Somebody makes up for half of what is missing.
    await bench.fill(closed.at, 50n);
    await exitAccount(closed, leaves[1]);
    expect(await unitsOf(leaves[1].account)).toBe(45);
    expect((await bench.view(closed.at, 'dueTo', [abiAddress(leaves[0].account)]))[0]).toBe(
      25n * UNIT,
    );
    await collect(closed, leaves[0].account);
    await collect(closed, paying.leaf.payee);
    expect(await unitsOf(leaves[0].account)).toBe(75);
    expect(await unitsOf(paying.leaf.payee)).toBe(22.5);
    await bench.pass(WINDOW_S + 60);
    await settleChannel(closed, paying.leaf);
    expect(await unitsOf(paying.leaf.payer)).toBe(7.5);
    expect(await bench.balance(closed.at)).toBe(0n);
  });

  it('keeps its hands off what is reserved for claims until that is released', async () => {
    const claimed = payout('reserved', 0, 30n);
    const claims = new SumTree([claimed]);
    const leaf = account(100n);
    const at = await bench.vault(80n);
    const tree = new SumTree([leaf]);
    await bench.commit(at, 1n, tree.root);
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('reserved')),
      hex(claims.root.root),
      30n,
      bench.nowS + 30 * DAY_S,
    ]);
    await bench.open(at);
    const closed = { at, tree, token: bench.token };
    await exitAccount(closed, leaf);
    expect(await unitsOf(leaf.account)).toBe(50);
    await bench.pass(30 * DAY_S);
    await bench.call(bench.stranger, at, 'releaseClaims(bytes32)', [hex(id32('reserved'))]);
    await collect(closed, leaf.account);
    expect(await unitsOf(leaf.account)).toBe(80);
  });

  it('shares what nobody came for among those who came, and gives the owner what is left', async () => {
    const [came, stayed] = [account(100n), account(100n)];
    const paying = channel(50n);
    const closed = await closedVault(150n, [came, stayed, paying.leaf]);
    await exitAccount(closed, came);
    expect(await unitsOf(came.account)).toBe(60);
    await redeem(closed, paying, 20n);
    expect(await unitsOf(paying.leaf.payee)).toBe(12);
    const owner = account(0n).account;
    const surplus = (from = bench.faucet, to = owner) =>
      bench.call(from, closed.at, 'takeSurplus(address)', [abiAddress(to)]);
    expect((await surplus()).error).toBe('FilingNotOver');
    await bench.pass(FILING_S + 60);
    expect((await exitAccount(closed, stayed)).error).toBe('FilingOver');
    expect((await surplus(bench.stranger)).error).toBe('NotOwner');
    expect((await surplus(bench.faucet, 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb')).error).toBe(
      'ZeroAddress',
    );
    // 150 are filed, the channel's rest among them although it is not settled yet; 150 were there: nothing is left.
    expect((await surplus()).error).toBe('NothingDue');
    await bench.fill(closed.at, 5n);
    expect((await surplus()).events).toMatchObject([{ name: 'SurplusTaken' }]);
    expect(await unitsOf(owner)).toBe(5);
    await settleChannel(closed, paying.leaf);
    await collect(closed, came.account);
    await collect(closed, paying.leaf.payee);
    expect(await unitsOf(came.account)).toBe(100);
    expect(await unitsOf(paying.leaf.payee)).toBe(20);
    expect(await unitsOf(paying.leaf.payer)).toBe(30);
    expect(await bench.balance(closed.at)).toBe(0n);
  });

  it('has no surplus while the exit is not open', async () => {
    const at = await bench.vault(10n);
    const taken = await bench.call(bench.faucet, at, 'takeSurplus(address)', [
      abiAddress(person(1)),
    ]);
    expect(taken.error).toBe('NotOpened');
    expect(
      (await bench.call(bench.stranger, at, 'collect(address)', [abiAddress(person(1))])).error,
    ).toBe('NotOpened');
  });
});
