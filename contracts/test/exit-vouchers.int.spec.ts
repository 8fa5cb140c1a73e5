import { keccak_256 } from '@noble/hashes/sha3.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leafBytes } from '#libs/domain';
import { EXIT_TERMS } from '../src/deploy.js';
import { type Change, exitKit, REDEEM } from './exits.kit.js';
import { DAY_S, hex, id32, keyOf, person, plain, VaultBench } from './vault.kit.js';

const WINDOW_S = Number(EXIT_TERMS.challengeWindowS);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

let bench: VaultBench;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());
const {
  account,
  channel,
  closedVault,
  far,
  exitAccount,
  fileChannel,
  settleChannel,
  redeemValues,
  redeem,
  unitsOf,
} = exitKit(() => bench);

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
