import { describe, expect, it } from 'vitest';
import { Wallet } from '#libs/client';
import { verify } from '#libs/crypto';
import { addressFromBytes, type SigningDomain } from '#libs/domain';
import {
  type Corpus,
  depositFor,
  type PayableChannel,
  signCorpus,
} from '../../load-tests/src/corpus.js';

const DOMAIN: SigningDomain = {
  chainId: 1n,
  vaultAddress: addressFromBytes(new Uint8Array(20).fill(7)),
};
const payer = new Wallet(new Uint8Array(32).fill(1), DOMAIN);
const payee = new Wallet(new Uint8Array(32).fill(2), DOMAIN).address;
const SIZE = { requests: 20, batchItems: 10, badPercent: 10, validUntilMs: 5_000n };

const channels: PayableChannel[] = Array.from({ length: 7 }, (_, number) => ({
  channelId: new Uint8Array(32).fill(number + 1),
  payee,
  depositUnits: depositFor(SIZE, 7),
  sign: (claim) => payer.sign(payer.digests.voucher({ ...claim, payee })),
}));

const flat = ({ requests }: Corpus) =>
  requests.flatMap(({ vouchers, expected }) =>
    vouchers.map((voucher, at) => ({ voucher, expected: expected[at] ?? '' })),
  );

describe('signCorpus', () => {
  const items = flat(signCorpus(channels, SIZE));
  const good = items.filter(({ expected }) => expected === '');

  it('makes as many requests and vouchers as asked for', () => {
    expect(items).toHaveLength(200);
    expect(items.filter(({ expected }) => expected !== '')).toHaveLength(20);
  });

  it('lets each channel pay one unit after the other, without gaps and within its deposit', () => {
    for (const { channelId, depositUnits } of channels) {
      const key = Buffer.from(channelId).toString('base64');
      const paid = good.filter(({ voucher }) => voucher.channelId === key);
      expect(paid.map(({ voucher }) => Number(voucher.cumulativeUnits))).toEqual(
        paid.map((_, index) => index + 1),
      );
      expect(BigInt(paid.length)).toBeLessThan(depositUnits);
    }
  });

  it('signs good vouchers so that they verify', () => {
    for (const { voucher } of good.slice(0, 20)) {
      const digest = payer.digests.voucher({
        channelId: Buffer.from(voucher.channelId, 'base64'),
        payee,
        cumulativeUnits: BigInt(voucher.cumulativeUnits),
        validUntilMs: BigInt(voucher.validUntilMs),
      });
      expect(verify(digest, Buffer.from(voucher.signature, 'base64'), payer.publicKey)).toBe(true);
    }
  });

  it('uses every kind of bad voucher, and none of them could pass', () => {
    const bad = items.filter(({ expected }) => expected !== '');
    expect(new Set(bad.map(({ expected }) => expected))).toEqual(
      new Set(['BAD_SIGNATURE', 'ABOVE_DEPOSIT', 'EXPIRED', 'CHANNEL_UNKNOWN']),
    );
    const deposit = channels[0]?.depositUnits ?? 0n;
    for (const { voucher, expected } of bad) {
      if (expected === 'ABOVE_DEPOSIT') {
        expect(BigInt(voucher.cumulativeUnits)).toBeGreaterThan(deposit);
      }
      if (expected === 'EXPIRED') expect(voucher.validUntilMs).toBe('1');
      if (expected === 'CHANNEL_UNKNOWN') {
        expect(good.some((each) => each.voucher.channelId === voucher.channelId)).toBe(false);
      }
    }
  });

  it('has no bad voucher when none is asked for, and refuses to sign for no channel', () => {
    const clean = flat(signCorpus(channels, { ...SIZE, badPercent: 0 }));
    expect(clean.every(({ expected }) => expected === '')).toBe(true);
    expect(() => signCorpus([], SIZE)).toThrow('a corpus needs a channel');
  });
});
