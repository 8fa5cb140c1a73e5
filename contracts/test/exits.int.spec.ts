import { keccak_256 } from '@noble/hashes/sha3.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccountLeaf,
  type ChannelLeaf,
  channelIdOf,
  leafBytes,
  type PayoutLeaf,
  type SumLeaf,
  SumTree,
} from '#libs/domain';
import { abiAddress, type ChainWallet, callData, payBatchData } from '#libs/tron';
import { EXIT_TERMS } from '../src/deploy.js';
import {
  DAY_S,
  hex,
  id32,
  keyOf,
  type Outcome,
  person,
  plain,
  proven,
  UNIT,
  VaultBench,
} from './vault.kit.js';

const FILING_S = 180 * DAY_S;
const WINDOW_S = Number(EXIT_TERMS.challengeWindowS);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let bench: VaultBench;
let next = 100_000;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());

const account = (units: bigint, number = next++): AccountLeaf => ({
  kind: 'account',
  salt: id32(`salt ${number}`),
  account: person(number),
  units,
});
/** A channel of fresh people; the payer's number leads to its key. */
const channel = (remainingUnits: bigint, bookedUnits = 0n) => {
  const payer = next++;
  const payee = next++;
  const channelId = channelIdOf(person(payer), person(payee), id32(`channel ${payer}`));
  const leaf: ChannelLeaf = {
    kind: 'channel',
    salt: id32(`salt ${payer}`),
    channelId,
    payer: person(payer),
    payee: person(payee),
    bookedUnits,
    remainingUnits,
  };
  return { leaf, key: keyOf(payer).privateKey, payer };
};
const payout = (name: string, line: number, units: bigint): PayoutLeaf => ({
  kind: 'payout',
  chainBatchId: id32(name),
  line,
  payee: person(next++),
  units,
});

/** A vault with so many units whose last epoch has these leaves, with the exit open. */
async function closedVault(units: bigint, leaves: readonly SumLeaf[], token = bench.token) {
  const at = await bench.vault(0n, token);
  await bench.fill(at, units, token);
  const tree = new SumTree(leaves);
  await bench.commit(at, 1n, tree.root);
  await bench.open(at);
  return { at, tree, token };
}
type Closed = Awaited<ReturnType<typeof closedVault>>;

const far = () => BigInt(bench.devchain.headTimestampMs + 400 * DAY_S * 1000);
const exitAccount = ({ at, tree }: Closed, leaf: AccountLeaf) =>
  bench.call(bench.stranger, at, 'exitAccount(bytes,bytes)', proven(tree, leaf));
const exitPayout = ({ at, tree }: Closed, leaf: PayoutLeaf) =>
  bench.call(bench.stranger, at, 'exitPayout(bytes,bytes)', proven(tree, leaf));
const fileChannel = ({ at, tree }: Closed, leaf: ChannelLeaf, from: ChainWallet) =>
  bench.call(from, at, 'fileChannel(bytes,bytes)', proven(tree, leaf));
const settleChannel = ({ at }: Closed, leaf: ChannelLeaf) =>
  bench.call(bench.stranger, at, 'settleChannel(bytes)', [hex(leafBytes(leaf))]);
const REDEEM = 'redeemVoucher(bytes,bytes,uint256,uint256,bytes32,bytes32)';
type Change = Partial<{
  signer: Uint8Array;
  validUntilMs: bigint;
  signFor: string;
  channelId: Uint8Array;
  payee: string;
  proof: string;
}>;
function redeemValues(
  closed: Closed,
  { leaf, key }: { leaf: ChannelLeaf; key: Uint8Array },
  cumulativeUnits: bigint,
  change: Change = {},
): readonly unknown[] {
  const [bytes, proof] = proven(closed.tree, leaf);
  const claim = {
    channelId: change.channelId ?? leaf.channelId,
    payee: change.payee ?? leaf.payee,
    cumulativeUnits,
    validUntilMs: change.validUntilMs ?? far(),
  };
  const voucher = bench.voucher(change.signFor ?? closed.at, claim, change.signer ?? key);
  return [bytes, change.proof ?? proof, ...voucher];
}
const redeem = (...args: Parameters<typeof redeemValues>): Promise<Outcome> =>
  bench.call(bench.stranger, args[0].at, REDEEM, redeemValues(...args));
const collect = ({ at }: Closed, who: string) =>
  bench.call(bench.stranger, at, 'collect(address)', [abiAddress(who)]);
const unitsOf = async (who: string, token = bench.token) =>
  Number(await bench.balance(who, token)) / Number(UNIT);

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

describe('vouchers', () => {
  it('pay the payee at once what they are above what was booked, higher ones the difference', async () => {
    const paying = channel(100n, 40n);
    const closed = await closedVault(200n, [paying.leaf, account(9n)]);
    const { payee, payer } = paying.leaf;
    const first = await redeem(closed, paying, 60n);
    expect(first.events.map(({ name }) => name)).toEqual([
      'ChannelFiled',
      'VoucherRedeemed',
      'ExitPaid',
    ]);
    expect(await unitsOf(payee)).toBe(20);
    // The proof is not needed again.
    expect((await redeem(closed, paying, 75n, { proof: '0x' })).result).toBe('SUCCESS');
    expect(await unitsOf(payee)).toBe(35);
    for (const stale of [75n, 74n, 60n, 0n]) {
      expect((await redeem(closed, paying, stale)).error).toBe('NotHigher');
    }
    expect((await settleChannel(closed, paying.leaf)).error).toBe('WindowNotOver');
    await bench.pass(WINDOW_S + 60);
    const settled = await settleChannel(closed, paying.leaf);
    expect(settled.events[0]).toMatchObject({ name: 'ChannelSettled' });
    expect(await unitsOf(payer)).toBe(65);
    expect((await settleChannel(closed, paying.leaf)).error).toBe('ChannelOver');
    expect((await redeem(closed, paying, 140n)).error).toBe('ChannelOver');
  });

  it('of what was booked before are worth nothing', async () => {
    const paying = channel(100n, 40n);
    const closed = await closedVault(200n, [paying.leaf]);
    expect((await redeem(closed, paying, 40n)).error).toBe('NotHigher');
  });

  it('above the deposit pay the deposit', async () => {
    const paying = channel(100n, 40n);
    const closed = await closedVault(200n, [paying.leaf, account(60n)]);
    expect((await redeem(closed, paying, 2n ** 255n)).result).toBe('SUCCESS');
    expect(await unitsOf(paying.leaf.payee)).toBe(100);
    await bench.pass(WINDOW_S + 60);
    expect((await settleChannel(closed, paying.leaf)).result).toBe('SUCCESS');
    expect(await unitsOf(paying.leaf.payer)).toBe(0);
  });

  it('win against a payer who wants it all back, within the window and until it is settled', async () => {
    const paying = channel(100n);
    const closed = await closedVault(200n, [paying.leaf, account(100n)]);
    const payer = await bench.wallet(paying.payer);
    expect((await fileChannel(closed, paying.leaf, bench.stranger)).error).toBe('NotPayer');
    const payeeKeyed = { ...closed };
    expect((await settleChannel(closed, paying.leaf)).error).toBe('NotOpened');
    const filed = await fileChannel(payeeKeyed, paying.leaf, payer);
    expect(filed.events).toMatchObject([{ name: 'ChannelFiled' }]);
    expect((await fileChannel(closed, paying.leaf, payer)).error).toBe('AlreadyFiled');
    expect((await redeem(closed, paying, 30n)).result).toBe('SUCCESS');
    await bench.pass(WINDOW_S + 60);
    // Late, but nobody has taken the rest yet.
    expect((await redeem(closed, paying, 90n)).result).toBe('SUCCESS');
    expect((await settleChannel(closed, paying.leaf)).result).toBe('SUCCESS');
    expect(await unitsOf(paying.leaf.payee)).toBe(90);
    expect(await unitsOf(paying.leaf.payer)).toBe(10);
  });

  it('cannot be paid out of anything but their own channel', async () => {
    const paying = channel(10n);
    const rich = account(1_000n, paying.payer);
    const closed = await closedVault(2_000n, [paying.leaf, rich]);
    await redeem(closed, paying, 1_000n);
    expect(await unitsOf(paying.leaf.payee)).toBe(10);
    await exitAccount(closed, rich);
    expect(await unitsOf(rich.account)).toBe(1_000);
  });

  it.each<[string, string, (from: { at: string; payee: number }) => Change]>([
    ['signed by the payee', 'BadSignature', ({ payee }) => ({ signer: keyOf(payee).privateKey })],
    ['for another vault', 'BadSignature', () => ({ signFor: bench.token })],
    ['of another channel', 'BadSignature', () => ({ channelId: id32('another') })],
    ['for another payee', 'BadSignature', () => ({ payee: person(3) })],
    [
      'void since before the operator left',
      'VoucherExpired',
      () => ({ validUntilMs: BigInt(bench.devchain.headTimestampMs - 9 * DAY_S * 1000) }),
    ],
    ['of a channel that no epoch knows', 'NotInEpoch', () => ({ proof: '0x' })],
  ])('are refused when %s', async (_what, error, change) => {
    const paying = channel(100n);
    const closed = await closedVault(200n, [paying.leaf, account(1n)]);
    const refused = await redeem(
      closed,
      paying,
      50n,
      change({ at: closed.at, payee: paying.payer + 1 }),
    );
    expect(refused).toMatchObject({ result: 'REVERT', error });
  });

  it('count that were valid when the operator was last seen', async () => {
    const paying = channel(100n);
    const closed = await closedVault(200n, [paying.leaf]);
    const validUntilMs = BigInt(bench.devchain.headTimestampMs - 6 * DAY_S * 1000);
    expect((await redeem(closed, paying, 50n, { validUntilMs })).result).toBe('SUCCESS');
  });

  it('have one signature: the twin with the high s is refused, and so is nonsense', async () => {
    const paying = channel(100n);
    const closed = await closedVault(200n, [paying.leaf]);
    const values = redeemValues(closed, paying, 50n);
    const s = BigInt(String(values[5]));
    const twin = `0x${(ORDER - s).toString(16).padStart(64, '0')}`;
    const zero = `0x${'00'.repeat(32)}`;
    for (const [r, other] of [
      [values[4], twin],
      [zero, zero],
      [values[4], zero],
      [zero, values[5]],
      [`0x${'ff'.repeat(32)}`, values[5]],
    ]) {
      const forged = [...values.slice(0, 4), r, other];
      expect((await bench.call(bench.stranger, closed.at, REDEEM, forged)).error).toBe(
        'BadSignature',
      );
    }
    expect((await bench.call(bench.stranger, closed.at, REDEEM, values)).result).toBe('SUCCESS');
  });

  it('cannot be made to count twice by a deposit that wraps around', async () => {
    const paying = channel(100n);
    const forged = leafBytes(paying.leaf);
    // Booked: all there can be; remaining: 100.
    forged.fill(0xff, 105, 113);
    const at = await bench.vault(500n);
    await bench.commit(at, 1n, { root: keccak_256(forged), totalUnits: 100n });
    await bench.open(at);
    const claim = {
      channelId: paying.leaf.channelId,
      payee: paying.leaf.payee,
      cumulativeUnits: 2n ** 200n,
      validUntilMs: far(),
    };
    const values = [hex(forged), '0x', ...bench.voucher(at, claim, paying.key)];
    expect((await bench.call(bench.stranger, at, REDEEM, values)).error).toBe('Panic');
    expect(await unitsOf(paying.leaf.payee)).toBe(0);
  });

  it('cannot be forged for a channel of nobody', async () => {
    const { leaf, key } = channel(100n);
    const nobody = { ...leaf, payer: 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb' };
    const closed = await closedVault(200n, [nobody]);
    const zero = `0x${'00'.repeat(32)}`;
    const values = redeemValues(closed, { leaf: nobody, key }, 50n).slice(0, 4);
    const forged = [...values, zero, zero];
    expect((await bench.call(bench.stranger, closed.at, REDEEM, forged)).error).toBe(
      'BadSignature',
    );
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
    const surplus = (from = bench.faucet, to = person(next)) =>
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
    const owner = person(next);
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
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('greedy')),
      hex(new SumTree([claimed]).root.root),
      10n,
      bench.nowS + 60 * DAY_S,
    ]);
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
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('late')),
      hex(tree.root.root),
      10n,
      bench.nowS + 60 * DAY_S,
    ]);
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
    await bench.call(bench.operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(id32('seized')),
      hex(new SumTree([claimed]).root.root),
      10n,
      bench.nowS + 60 * DAY_S,
    ]);
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

describe('what the vault signs vouchers under', () => {
  it('is what clients sign under', async () => {
    const paying = channel(100n);
    const closed = await closedVault(200n, [paying.leaf]);
    const [separator] = await bench.view(closed.at, 'domainSeparator');
    const { domainSeparator, toHex } = await import('#libs/domain');
    const ours = domainSeparator({
      chainId: BigInt(bench.devchain.chainId),
      vaultAddress: closed.at,
    });
    expect(separator).toBe(`0x${toHex(ours)}`);
    expect(plain(closed.at)).toHaveLength(42);
  });
});
