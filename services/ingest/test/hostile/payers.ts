import { type KeyPair, keyPairOf, sha256, sign } from '#libs/crypto';
import { bundleRoot, channelIdOf, type Digests, partitionOf, tickChain } from '#libs/domain';
import type { ChannelFacts } from '../../src/domain/channel.js';
import { PARTITIONS } from '../factory.js';
import type { Random } from './random.js';

export const TICK_UNITS = 10n;
export const TICKS_MAX = 400;
export const DEPOSIT_UNITS = 1_000_000_000n;

/** A channel of the fuzz and what its payer really signed or revealed on it. */
export type FuzzChannel = {
  /** As the books tell it; what is accepted moves with the test. */
  facts: ChannelFacts;
  readonly payer: KeyPair;
  readonly chain: readonly Uint8Array[];
  /** Amounts that the payer stands for, however it said so. */
  readonly owed: Set<bigint>;
  /** The payments themselves, as the voucher log would show them. */
  readonly payments: Set<string>;
};

/** One payment as text: two are equal when the payer stands for the same. */
export const paymentText = (
  kind: 'voucher' | 'tick',
  cumulativeUnits: bigint,
  detail: bigint,
  proof: Uint8Array,
): string => `${kind} ${cumulativeUnits} ${detail} ${Buffer.from(proof).toString('hex')}`;

/** The same of a bundle, whose entries are named by the channels' numbers. */
export const bundleText = (
  validUntilMs: bigint,
  signature: Uint8Array,
  entries: readonly { channelNo: bigint; cumulativeUnits: bigint }[],
): string =>
  `${validUntilMs} ${Buffer.from(signature).toString('hex')} ${entries
    .map(({ channelNo, cumulativeUnits }) => `${channelNo}=${cumulativeUnits}`)
    .join(',')}`;

/**
 * The payers: they keep the keys, and remember all that they signed. Whatever is accepted and was not
 * signed here is a theft.
 */
export class Payers {
  readonly #random: Random;
  #number: bigint;

  /** Channels are numbered from `firstNo` on, so that they can be told apart from other tests'. */
  constructor(
    random: Random,
    private readonly digests: Digests,
    firstNo: bigint,
    /** Bundles that were signed, by these payers and by those that share the set. */
    readonly bundles = new Set<string>(),
  ) {
    this.#random = random;
    this.#number = firstNo;
  }

  newPayer(): KeyPair {
    return keyPairOf(this.#random.bytes(32));
  }

  /** A channel of this payer; in the given partition when one is named. */
  open(payer: KeyPair, change: Partial<ChannelFacts> = {}): FuzzChannel {
    const { partition = this.#random.below(PARTITIONS) } = change;
    const chain = tickChain(this.#random.bytes(32), TICKS_MAX, sha256);
    const payee = keyPairOf(this.#random.bytes(32)).address;
    let id = channelIdOf(payer.address, payee, this.#random.bytes(32));
    while (partitionOf(id, PARTITIONS) !== partition) {
      id = channelIdOf(payer.address, payee, this.#random.bytes(32));
    }
    const chainEnd = chain[0] ?? new Uint8Array(32);
    const facts: ChannelFacts = {
      id,
      channelNo: this.#number++,
      partition,
      signerKey: payer.publicKey,
      payee,
      depositUnits: DEPOSIT_UNITS,
      commitment: {
        chainEnd,
        tickValueUnits: TICK_UNITS,
        ticksMax: BigInt(TICKS_MAX),
        baseUnits: 0n,
      },
      state: 'open',
      closesAtMs: 0n,
      acceptedUnits: 0n,
      tickIndex: 0n,
      tickPreimage: chainEnd,
      ...change,
    };
    return { facts, payer, chain, owed: new Set(), payments: new Set() };
  }

  /** A good signature of a voucher, noted. */
  voucher(channel: FuzzChannel, cumulativeUnits: bigint, validUntilMs: bigint): Buffer {
    const { id: channelId, payee } = channel.facts;
    const digest = this.digests.voucher({ channelId, payee, cumulativeUnits, validUntilMs });
    const signature = Buffer.from(sign(digest, channel.payer.privateKey));
    channel.owed.add(cumulativeUnits);
    channel.payments.add(paymentText('voucher', cumulativeUnits, validUntilMs, signature));
    return signature;
  }

  /** The preimage of a tick, noted. */
  tick(channel: FuzzChannel, index: number): Buffer {
    const preimage = Buffer.from(channel.chain[index] ?? new Uint8Array(32));
    const units = BigInt(index) * TICK_UNITS;
    channel.owed.add(units);
    channel.payments.add(paymentText('tick', units, BigInt(index), preimage));
    return preimage;
  }

  /** A good signature of a bundle by the first channel's payer, noted. */
  bundle(
    entries: readonly { channel: FuzzChannel; cumulativeUnits: bigint }[],
    validUntilMs: bigint,
  ): Buffer {
    const leaves = entries.map(({ channel, cumulativeUnits }) => ({
      channelId: channel.facts.id,
      cumulativeUnits,
    }));
    const [first] = entries;
    if (first === undefined) throw new RangeError('a bundle has at least one entry');
    const digest = this.digests.bundle({
      root: bundleRoot(leaves),
      count: leaves.length,
      validUntilMs,
    });
    const signature = Buffer.from(sign(digest, first.channel.payer.privateKey));
    // Who signs for channels that are not its own moves nobody's money.
    for (const { channel, cumulativeUnits } of entries) {
      if (channel.payer === first.channel.payer) channel.owed.add(cumulativeUnits);
    }
    const named = entries.map(({ channel, cumulativeUnits }) => ({
      channelNo: channel.facts.channelNo,
      cumulativeUnits,
    }));
    this.bundles.add(bundleText(validUntilMs, signature, named));
    return signature;
  }
}
