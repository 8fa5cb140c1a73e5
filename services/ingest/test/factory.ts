import { randomBytes } from 'node:crypto';
import { type KeyPair, keyPairOf, sha256, sign } from '#libs/crypto';
import {
  type Address,
  bundleRoot,
  channelIdOf,
  Digests,
  partitionOf,
  tickChain,
} from '#libs/domain';
import type { BundleMessage } from '../src/domain/bundle.ladder.js';
import type { ChannelFacts } from '../src/domain/channel.js';
import type { TickMessage } from '../src/domain/tick.ladder.js';
import type { VoucherMessage } from '../src/domain/voucher.ladder.js';

export const PARTITIONS = 8;
export const SIGNING = { chainId: 1n, vaultAddress: newKeys().address };
export const DIGESTS = new Digests(SIGNING);
export const FAR_FUTURE_MS = 365n * 86_400_000n;

/** A fresh key pair. */
export function newKeys(): KeyPair {
  return keyPairOf(randomBytes(32));
}

/** A channel with the keys that pay on it, and its hash chain of 20 000 ticks of 10 units. */
export type TestChannel = {
  readonly facts: ChannelFacts;
  readonly payer: KeyPair;
  readonly payee: Address;
  readonly chain: readonly Uint8Array[];
};

const CHAIN = tickChain(randomBytes(32), 20_000, sha256);

/** A channel that nothing was paid on yet; `change` overrides what the books say of it. */
export function newChannel(change: Partial<ChannelFacts> = {}): TestChannel {
  const payer = newKeys();
  const payee = newKeys().address;
  const id = channelIdOf(payer.address, payee, randomBytes(32));
  const chainEnd = CHAIN[0] ?? new Uint8Array(32);
  const facts: ChannelFacts = {
    id,
    channelNo: BigInt(randomBytes(4).readUInt32BE(0)) + 1n,
    partition: partitionOf(id, PARTITIONS),
    signerKey: payer.publicKey,
    payee,
    depositUnits: 1_000_000n,
    commitment: { chainEnd, tickValueUnits: 10n, ticksMax: 20_000n, baseUnits: 0n },
    state: 'open',
    closesAtMs: 0n,
    acceptedUnits: 0n,
    tickIndex: 0n,
    tickPreimage: chainEnd,
    ...change,
  };
  return { facts, payer, payee, chain: CHAIN };
}

/** A voucher of a channel, signed by its payer unless told otherwise. */
export function voucherOf(
  channel: TestChannel,
  cumulativeUnits: bigint,
  validUntilMs: bigint,
  signer: KeyPair = channel.payer,
): VoucherMessage & { channelId: Buffer; signature: Buffer } {
  const claim = {
    channelId: channel.facts.id,
    payee: channel.payee,
    cumulativeUnits,
    validUntilMs,
  };
  const signature = Buffer.from(sign(DIGESTS.voucher(claim), signer.privateKey));
  return { ...claim, channelId: Buffer.from(claim.channelId), signature };
}

/** A tick of a channel. */
export function tickOf(
  channel: TestChannel,
  index: number,
): TickMessage & { channelId: Buffer; preimage: Buffer } {
  return {
    channelId: Buffer.from(channel.facts.id),
    index: BigInt(index),
    preimage: Buffer.from(channel.chain[index] ?? new Uint8Array(32)),
  };
}

/** Channels of one payer and one partition, which one bundle may pay together. */
export function channelsOfOnePayer(
  count: number,
  change: Partial<ChannelFacts> = {},
): TestChannel[] {
  const payer = newKeys();
  const channels: TestChannel[] = [];
  while (channels.length < count) {
    const payee = newKeys().address;
    const id = channelIdOf(payer.address, payee, randomBytes(32));
    if (partitionOf(id, PARTITIONS) !== 0) continue;
    const channel = newChannel({ id, partition: 0, signerKey: payer.publicKey, payee, ...change });
    channels.push({ ...channel, payer, payee });
  }
  return channels;
}

/** A bundle that pays an amount on each channel, signed by the first one's payer unless told otherwise. */
export function bundleOf(
  payments: readonly (readonly [TestChannel, bigint])[],
  validUntilMs: bigint,
  signer: KeyPair | undefined = payments[0]?.[0].payer,
): BundleMessage & {
  entries: { channelId: Buffer; cumulativeUnits: bigint }[];
  signature: Buffer;
} {
  const entries = payments.map(([{ facts }, cumulativeUnits]) => ({
    channelId: Buffer.from(facts.id),
    cumulativeUnits,
  }));
  if (signer === undefined) throw new RangeError('a bundle has at least one entry');
  const digest = DIGESTS.bundle({ root: bundleRoot(entries), count: entries.length, validUntilMs });
  return { entries, validUntilMs, signature: Buffer.from(sign(digest, signer.privateKey)) };
}
