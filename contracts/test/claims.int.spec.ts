import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex, type PayoutLeaf, SumTree } from '#libs/domain';
import { abiAddress, callData, payBatchData } from '#libs/tron';
import { DAY_S, hex, id32, person, proven, UNIT, VaultBench } from './vault.kit.js';

let bench: VaultBench;
let next = 0;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());

const leavesOf = (name: string, count: number, units = 5n): PayoutLeaf[] =>
  Array.from({ length: count }, (_, line) => ({
    kind: 'payout',
    chainBatchId: id32(name),
    line,
    payee: person(10_000 + next++),
    units,
  }));
const commitClaims = (at: string, name: string, tree: SumTree, days = 30, from = bench.operator) =>
  bench.call(from, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
    hex(id32(name)),
    hex(tree.root.root),
    tree.root.totalUnits,
    bench.nowS + days * DAY_S + 60,
  ]);
const claim = (at: string, tree: SumTree, leaf: PayoutLeaf) =>
  bench.call(bench.stranger, at, 'claim(bytes,bytes)', proven(tree, leaf));
const release = (at: string, name: string) =>
  bench.call(bench.stranger, at, 'releaseClaims(bytes32)', [hex(id32(name))]);
const statusOf = async (at: string) => {
  const [free, reserved] = await bench.view(at, 'status');
  return { free, reserved };
};

describe('claims', () => {
  it('are reserved, paid once each to whom the leaf names, and counted down', async () => {
    const at = await bench.vault(100n);
    const leaves = leavesOf('all', 3);
    const tree = new SumTree(leaves);
    const committed = await commitClaims(at, 'all', tree);
    expect(committed.events[0]?.name).toBe('ClaimsCommitted');
    expect(await statusOf(at)).toEqual({ free: 85n * UNIT, reserved: 15n * UNIT });
    for (const leaf of leaves) {
      const claimed = await claim(at, tree, leaf);
      expect(claimed.events).toMatchObject([{ name: 'Claimed' }]);
      expect(await bench.balance(leaf.payee)).toBe(5n * UNIT);
      expect(await claim(at, tree, leaf)).toMatchObject({ error: 'LineTaken' });
      const [taken] = await bench.view(at, 'lineTaken', [hex(id32('all')), leaf.line]);
      expect(taken).toBe(true);
    }
    expect(await statusOf(at)).toEqual({ free: 85n * UNIT, reserved: 0n });
  });

  it('share their ids with batches that are paid', async () => {
    const at = await bench.vault(100n);
    const [leaf] = leavesOf('either', 1) as [PayoutLeaf];
    const tree = new SumTree([leaf]);
    const batch = payBatchData(id32('either'), [{ to: leaf.payee, amountBaseUnits: UNIT }]);
    await commitClaims(at, 'either', tree);
    expect((await bench.send(bench.operator, at, batch)).error).toBe('AlreadyExecuted');
    expect((await commitClaims(at, 'either', tree)).error).toBe('AlreadyExecuted');
    const paid = payBatchData(id32('paid'), [{ to: leaf.payee, amountBaseUnits: UNIT }]);
    await bench.send(bench.operator, at, paid);
    expect((await commitClaims(at, 'paid', new SumTree(leavesOf('paid', 1)))).error).toBe(
      'AlreadyExecuted',
    );
    const [used] = await bench.view(at, 'isUsed', [hex(id32('paid'))]);
    expect(used).toBe(true);
  });

  it.each([
    ['anybody but the operator', 'NotOperator', () => bench.faucet, 1, 30],
    ['more than is free', 'FundsShort', () => bench.operator, 30, 30],
    ['too short a time', 'OutOfBounds', () => bench.operator, 1, 0],
    ['too long a time', 'OutOfBounds', () => bench.operator, 1, 400],
  ])('cannot be committed by or for %s', async (name, error, from, count, days) => {
    const at = await bench.vault(100n);
    const tree = new SumTree(leavesOf(name, count));
    expect((await commitClaims(at, name, tree, days, from())).error).toBe(error);
  });

  it('cannot be committed without a root, a total or a batch id', async () => {
    const at = await bench.vault(100n);
    const until = bench.nowS + 30 * DAY_S;
    const commit = (id: string, root: Uint8Array, total: bigint) =>
      bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
        id,
        hex(root),
        total,
        until,
      ]);
    expect((await commit(hex(id32('x')), new Uint8Array(32), 1n)).error).toBe('ZeroRoot');
    expect((await commit(hex(id32('x')), id32('root'), 0n)).error).toBe('BadAmount');
    expect((await commit(hex(new Uint8Array(32)), id32('root'), 1n)).error).toBe('ZeroBatchId');
  });

  it('keep their reserve from batches', async () => {
    const at = await bench.vault(100n);
    await commitClaims(at, 'reserve', new SumTree(leavesOf('reserve', 18)));
    const pay = (name: string, units: bigint) =>
      bench.send(
        bench.operator,
        at,
        payBatchData(id32(name), [{ to: person(20_000), amountBaseUnits: units * UNIT }]),
      );
    // The token would pay it: the vault does hold 100.
    expect((await pay('over', 11n)).error).toBe('ReserveTouched');
    expect((await pay('exact', 10n)).result).toBe('SUCCESS');
    expect(await statusOf(at)).toEqual({ free: 0n, reserved: 90n * UNIT });
  });

  it('are not for other leaves, other proofs or other batches', async () => {
    const at = await bench.vault(100n);
    const leaves = leavesOf('proof', 3);
    const tree = new SumTree(leaves);
    await commitClaims(at, 'proof', tree);
    const [leaf, other] = leaves as [PayoutLeaf, PayoutLeaf];
    const send = (bytes: string, proof: string) =>
      bench.call(bench.stranger, at, 'claim(bytes,bytes)', [bytes, proof]);
    const [bytes, proof] = proven(tree, leaf);
    const richer = { ...leaf, units: 6n };
    const thief = { ...leaf, payee: bench.stranger.address };
    for (const bad of [richer, thief]) {
      const [forged] = proven(new SumTree([bad]), bad);
      expect((await send(forged, proof)).error).toBe('WrongRoot');
    }
    expect((await send(bytes, proven(tree, other)[1])).error).toBe('WrongRoot');
    expect((await send(bytes, proof.slice(0, -2))).error).toBe('BadProof');
    expect((await send(bytes, `${proof.slice(0, 2)}02${proof.slice(4)}`)).error).toBe('BadProof');
    expect((await send(bytes, `0x${'00'.repeat(41 * 65)}`)).error).toBe('BadProof');
    expect((await send(`${bytes}00`, proof)).error).toBe('BadLeaf');
    expect((await send(`0x00${bytes.slice(4)}`, proof)).error).toBe('BadLeaf');
    const elsewhere = leavesOf('elsewhere', 1)[0]!;
    expect((await claim(at, new SumTree([elsewhere]), elsewhere)).error).toBe('NotClaimable');
    expect((await send(bytes, proof)).result).toBe('SUCCESS');
  });

  it('are not paid from a set that reserves less than its lines', async () => {
    const at = await bench.vault(100n);
    const leaves = leavesOf('short', 2);
    const tree = new SumTree(leaves);
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('short')),
      hex(tree.root.root),
      9n,
      bench.nowS + 30 * DAY_S,
    ]);
    expect((await claim(at, tree, leaves[0]!)).error).toBe('WrongRoot');
  });

  it('cannot be inflated by a sum that wraps around', async () => {
    const at = await bench.vault(100n);
    const [leaf] = leavesOf('wrap', 1) as [PayoutLeaf];
    await commitClaims(at, 'wrap', new SumTree([leaf]));
    const huge = `01${'11'.repeat(32)}${'ff'.repeat(8)}`;
    const values = [proven(new SumTree([leaf]), leaf)[0], `0x${huge}`];
    expect((await bench.call(bench.stranger, at, 'claim(bytes,bytes)', values)).error).toBe(
      'BadProof',
    );
  });

  it('end with their time; what is left is free again, once', async () => {
    const at = await bench.vault(100n);
    const leaves = leavesOf('time', 2);
    const tree = new SumTree(leaves);
    await commitClaims(at, 'time', tree, 2);
    await claim(at, tree, leaves[0]!);
    expect((await release(at, 'time')).error).toBe('StillClaimable');
    await bench.pass(2 * DAY_S + 120);
    expect((await claim(at, tree, leaves[1]!)).error).toBe('NotClaimable');
    const released = await release(at, 'time');
    expect(released.events).toEqual([{ name: 'ClaimsReleased', values: [hex(id32('time')), 5n] }]);
    expect(await statusOf(at)).toEqual({ free: 95n * UNIT, reserved: 0n });
    expect((await release(at, 'time')).error).toBe('NothingToRelease');
    expect((await release(at, 'unheard of')).error).toBe('NothingToRelease');
    // The id stays used.
    expect((await commitClaims(at, 'time', tree)).error).toBe('AlreadyExecuted');
  });

  it('are paid while the vault is paused', async () => {
    const at = await bench.vault(100n);
    const [leaf] = leavesOf('pause', 1) as [PayoutLeaf];
    const tree = new SumTree([leaf]);
    await commitClaims(at, 'pause', tree);
    await bench.call(bench.operator, at, 'pause()');
    expect((await commitClaims(at, 'more', tree)).error).toBe('IsPaused');
    expect((await claim(at, tree, leaf)).result).toBe('SUCCESS');
  });

  it('stay claimable when the token refuses, and cannot be entered again', async () => {
    const bad = await bench.deployHostile('CallbackToken', 1_000n * UNIT);
    const at = await bench.vault(0n, bad);
    await bench.fill(at, 100n, bad);
    const leaves = leavesOf('enter', 2);
    const tree = new SumTree(leaves);
    await commitClaims(at, 'enter', tree);
    const inner = callData('claim(bytes,bytes)', proven(tree, leaves[1]!));
    await bench.call(bench.faucet, bad, 'arm(address,bytes)', [abiAddress(at), hex(inner)]);
    expect((await claim(at, tree, leaves[0]!)).result).toBe('SUCCESS');
    expect(await bench.balance(at, bad)).toBe(95n * UNIT);
    expect((await claim(at, tree, leaves[1]!)).result).toBe('SUCCESS');

    const picky = await bench.deployHostile('PickyToken', 1_000n * UNIT);
    const over = await bench.vault(0n, picky);
    await bench.fill(over, 100n, picky);
    await commitClaims(over, 'enter', tree);
    const refuse = (how: number) =>
      bench.call(bench.faucet, picky, 'refuse(address,uint8)', [abiAddress(leaves[0]!.payee), how]);
    await refuse(2);
    expect((await claim(over, tree, leaves[0]!)).error).toBe('TransferFailed');
    await refuse(0);
    expect((await claim(over, tree, leaves[0]!)).result).toBe('SUCCESS');
  });

  it('have room for more lines than one word of the register holds', async () => {
    const at = await bench.vault(2_000n);
    const leaves = leavesOf('wide', 300);
    const tree = new SumTree(leaves);
    await commitClaims(at, 'wide', tree);
    const taken = async (line: number) =>
      (await bench.view(at, 'lineTaken', [hex(id32('wide')), line]))[0];
    for (const line of [0, 255, 256, 299]) {
      expect(await taken(line)).toBe(false);
      expect((await claim(at, tree, leaves[line]!)).result).toBe('SUCCESS');
      expect((await claim(at, tree, leaves[line]!)).error).toBe('LineTaken');
      expect(await taken(line)).toBe(true);
    }
    expect(fromHex(proven(tree, leaves[0]!)[1]).length).toBeLessThanOrEqual(41 * 9);
  });
});
