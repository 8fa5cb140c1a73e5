import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SumTree } from '#libs/domain';
import { abiAddress, payBatchData } from '#libs/tron';
import { EXIT_TERMS } from '../src/deploy.js';
import { exitKit } from './exits.kit.js';
import { DAY_S, hex, id32, person, proven, UNIT, VaultBench } from './vault.kit.js';

const FILING_S = 180 * DAY_S;

let bench: VaultBench;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());
const { account, channel, payout, closedVault, exitAccount, exitPayout, unitsOf } = exitKit(
  () => bench,
);

describe('openExit', () => {
  it('waits for the operator, and then shuts it out for ever', async () => {
    const at = await bench.vault(10n);
    const open = () => bench.call(bench.stranger, at, 'openExit()');
    await bench.pass(60 * DAY_S);
    expect((await open()).error).toBe('NoEpoch');
    await bench.commit(at, 1n, new SumTree([account(3n)]).root);
    await bench.pass(Number(EXIT_TERMS.exitDelayS) - 300);
    expect((await open()).error).toBe('OperatorAlive');
    // Another epoch starts the wait again.
    await bench.commit(at, 2n, new SumTree([account(3n)]).root);
    await bench.pass(Number(EXIT_TERMS.exitDelayS) - 300);
    expect((await open()).error).toBe('OperatorAlive');
    await bench.pass(600);
    expect((await open()).events).toEqual([{ name: 'ExitOpened', values: [2n, 3n, 10n * UNIT] }]);
    expect((await open()).error).toBe('IsClosed');
    expect((await bench.commit(at, 3n, new SumTree([account(3n)]).root)).error).toBe('IsClosed');
    const batch = payBatchData(id32('x'), [{ to: person(1), amountBaseUnits: 1n }]);
    expect((await bench.send(bench.operator, at, batch)).error).toBe('IsClosed');
    const claims = [hex(id32('x')), hex(id32('y')), 1n, bench.nowS + 2 * DAY_S];
    const commitClaims = 'commitClaims(bytes32,bytes32,uint64,uint40)';
    expect((await bench.call(bench.operator, at, commitClaims, claims)).error).toBe('IsClosed');
    const values = [abiAddress(person(1)), UNIT];
    const deposit = await bench.call(bench.faucet, at, 'deposit(address,uint256)', values);
    expect(deposit.error).toBe('IsClosed');
    expect((await bench.view(at, 'status'))[5]).not.toBe(0n);
  });

  it('is not put off by a pause', async () => {
    const leaf = account(3n);
    const at = await bench.vault(10n);
    const tree = new SumTree([leaf]);
    await bench.commit(at, 1n, tree.root);
    await bench.call(bench.faucet, at, 'pause()');
    await bench.open(at);
    const closed = { at, tree, token: bench.token };
    expect((await exitAccount(closed, leaf)).result).toBe('SUCCESS');
    expect(await unitsOf(leaf.account)).toBe(3);
  });
});

describe('exitAccount', () => {
  it('pays every account what its leaf says, once', async () => {
    const leaves = [account(5n), account(0n), account(7n), account(1n), account(2n)];
    const closed = await closedVault(15n, leaves);
    for (const leaf of leaves) {
      const done = await exitAccount(closed, leaf);
      expect(done.events[0]).toMatchObject({ name: 'AccountExited' });
      expect(await unitsOf(leaf.account)).toBe(Number(leaf.units));
      expect((await exitAccount(closed, leaf)).error).toBe('AccountTaken');
    }
    expect(await bench.balance(closed.at)).toBe(0n);
  });

  it('takes no leaf before the exit is open, of an older epoch, forged, or too late', async () => {
    const leaf = account(5n);
    const at = await bench.vault(50n);
    const tree = new SumTree([leaf, account(1n)]);
    const newer = new SumTree([{ ...leaf, units: 4n }, account(1n)]);
    const closed = { at, tree: newer, token: bench.token };
    await bench.commit(at, 1n, tree.root);
    await bench.commit(at, 2n, newer.root);
    expect((await exitAccount(closed, { ...leaf, units: 4n })).error).toBe('NotOpened');
    await bench.open(at);
    expect((await exitAccount({ ...closed, tree }, leaf)).error).toBe('NotInEpoch');
    const own = new SumTree([{ ...leaf, units: 40n }]);
    expect((await exitAccount({ ...closed, tree: own }, { ...leaf, units: 40n })).error).toBe(
      'NotInEpoch',
    );
    await bench.pass(FILING_S);
    expect((await exitAccount(closed, { ...leaf, units: 4n })).error).toBe('FilingOver');
  });

  it('takes no leaf of another kind, and no root that has another total', async () => {
    const { leaf } = channel(5n);
    const honest = account(5n);
    const closed = await closedVault(50n, [leaf, honest]);
    const wrong = await bench.call(
      bench.stranger,
      closed.at,
      'exitAccount(bytes,bytes)',
      proven(closed.tree, leaf),
    );
    expect(wrong.error).toBe('BadLeaf');
    const at = await bench.vault(50n);
    const tree = new SumTree([honest]);
    await bench.commit(at, 1n, { ...tree.root, totalUnits: 6n });
    await bench.open(at);
    expect((await exitAccount({ at, tree, token: bench.token }, honest)).error).toBe('NotInEpoch');
  });
});

describe('exitPayout', () => {
  it('pays lines of batches that were never executed, and only of those', async () => {
    const lines = [payout('planned', 0, 5n), payout('planned', 1, 6n)];
    const paid = payout('sent', 0, 7n);
    const claimable = payout('claimable', 0, 8n);
    const claims = new SumTree([claimable]);
    const tree = new SumTree([...lines, paid, claimable, account(1n)]);
    const at = await bench.vault(100n);
    await bench.commit(at, 1n, tree.root);
    const batch = [{ to: paid.payee, amountBaseUnits: paid.units * UNIT }];
    await bench.send(bench.operator, at, payBatchData(id32('sent'), batch));
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('claimable')),
      hex(claims.root.root),
      claims.root.totalUnits,
      bench.nowS + 60 * DAY_S,
    ]);
    const closed = { at, tree, token: bench.token };
    expect((await exitPayout(closed, lines[0]!)).error).toBe('NotOpened');
    await bench.open(at);
    for (const line of lines) {
      expect((await exitPayout(closed, line)).events[0]?.name).toBe('PayoutExited');
      expect(await unitsOf(line.payee)).toBe(Number(line.units));
      expect((await exitPayout(closed, line)).error).toBe('LineTaken');
    }
    expect((await exitPayout(closed, paid)).error).toBe('BatchExecuted');
    expect((await exitPayout(closed, claimable)).error).toBe('BatchExecuted');
    // What was reserved is claimed as before.
    const values = proven(claims, claimable);
    const claimed = await bench.call(bench.stranger, at, 'claim(bytes,bytes)', values);
    expect(claimed.result).toBe('SUCCESS');
  });
});
