import { keyPairOf, sign } from '#libs/crypto';
import type { Digests } from '#libs/domain';
import { type FuzzChannel, type Payers, TICK_UNITS, TICKS_MAX } from './payers.js';
import type { Random } from './random.js';

const DAY_MS = 86_400_000n;
const INT64_MAX = 2n ** 63n - 1n;
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A channel as a payment names it: by handle on a packed stream, by id elsewhere. */
export type Named = { readonly handle: number; readonly id: Buffer };

export type VoucherPlan = Named & {
  readonly kind: 'voucher';
  readonly payee: string;
  readonly units: bigint;
  readonly validUntilMs: bigint;
  readonly signature: Buffer;
};
export type TickPlan = Named & {
  readonly kind: 'tick';
  readonly index: bigint;
  readonly preimage: Buffer;
};
export type BundlePlan = {
  readonly kind: 'bundle';
  readonly validUntilMs: bigint;
  readonly signature: Buffer;
  readonly entries: readonly (Named & { readonly units: bigint })[];
};

/** Payments of one message, of which many are not what they pretend to be. */
export type Plan = {
  readonly vouchers: readonly VoucherPlan[];
  readonly ticks: readonly TickPlan[];
  readonly bundles: readonly BundlePlan[];
};

/** Channels that may be named, in the order of their handles. */
export type Scene = {
  readonly named: readonly (Named & { readonly channel: FuzzChannel | undefined })[];
  readonly nowMs: bigint;
};

/** Draws payments: good ones, and good ones of which one thing was changed. */
export class Planner {
  constructor(
    private readonly random: Random,
    private readonly payers: Payers,
    private readonly digests: Digests,
  ) {}

  /** At least one payment. */
  plan(scene: Scene): Plan {
    const { random } = this;
    const many = (most: number, draw: () => unknown) =>
      Array.from({ length: random.below(most + 1) }, draw);
    for (;;) {
      const plan = {
        vouchers: many(2, () => this.#voucher(scene)) as VoucherPlan[],
        ticks: many(2, () => this.#tick(scene)) as TickPlan[],
        bundles: (random.oneIn(5) ? [this.#bundle(scene)] : []) as BundlePlan[],
      };
      if (plan.vouchers.length + plan.ticks.length + plan.bundles.length > 0) return plan;
    }
  }

  #voucher(scene: Scene): VoucherPlan {
    const { random } = this;
    const named = random.pick(scene.named);
    const channel = named.channel ?? this.#someChannel(scene);
    const goodUntil = scene.nowMs + DAY_MS;
    const isOdd = random.oneIn(2);
    const units = isOdd && random.oneIn(3) ? this.#oddUnits(channel) : this.#nextUnits(channel);
    const validUntilMs = isOdd && random.oneIn(3) ? this.#oddTime(scene.nowMs) : goodUntil;
    const signature =
      isOdd && random.oneIn(2)
        ? this.#forged(channel, units, validUntilMs)
        : this.#signature(channel, units, validUntilMs);
    const other = this.#someChannel(scene);
    const payee = isOdd && random.oneIn(6) ? this.#oddPayee(other) : channel.facts.payee;
    return {
      ...this.#name(scene, named, isOdd),
      kind: 'voucher',
      payee,
      units,
      validUntilMs,
      signature,
    };
  }

  #tick(scene: Scene): TickPlan {
    const { random, payers } = this;
    const named = random.pick(scene.named);
    const channel = named.channel ?? this.#someChannel(scene);
    const next = Number(channel.facts.acceptedUnits / TICK_UNITS) + 1 + random.below(3);
    const isOdd = random.oneIn(2);
    const index = Math.min(next, TICKS_MAX);
    const name = this.#name(scene, named, isOdd);
    if (!isOdd)
      return { ...name, kind: 'tick', index: BigInt(index), preimage: payers.tick(channel, index) };
    const other = this.#someChannel(scene);
    const preimage = random.pick([
      () => random.bytes(32),
      () => Buffer.from(channel.chain[0] ?? random.bytes(32)),
      () => payers.tick(other, index),
      () => payers.tick(channel, Math.max(1, index - 1)),
      () => payers.tick(channel, index),
    ])();
    const odd = random.pick([
      BigInt(index),
      0n,
      BigInt(TICKS_MAX) + 1n,
      100_000_001n,
      0xffff_ffffn,
    ]);
    return { ...name, kind: 'tick', index: odd, preimage };
  }

  #bundle(scene: Scene): BundlePlan {
    const { random, payers } = this;
    const known = scene.named.filter(({ channel }) => channel !== undefined);
    const first = random.pick(known);
    const own = known.filter(
      ({ channel }) =>
        channel?.payer === first.channel?.payer &&
        channel?.facts.partition === first.channel?.facts.partition,
    );
    const isOdd = random.oneIn(2);
    const from = isOdd && random.oneIn(2) ? scene.named : own;
    const count = random.below(isOdd ? 12 : own.length) + 1;
    const picked = Array.from({ length: count }, (_, at) =>
      isOdd && random.oneIn(4) ? random.pick(from) : (from[at % from.length] ?? first),
    );
    const distinct = isOdd ? picked : [...new Set(picked)];
    const entries = distinct.map((named) => {
      const channel = named.channel ?? this.#someChannel(scene);
      const units = isOdd && random.oneIn(6) ? this.#oddUnits(channel) : this.#nextUnits(channel);
      return { ...this.#name(scene, named, isOdd && random.oneIn(4)), units, channel };
    });
    const validUntilMs =
      isOdd && random.oneIn(4) ? this.#oddTime(scene.nowMs) : scene.nowMs + DAY_MS;
    const isSignable = entries.every(({ units }) => units >= 0n) && validUntilMs >= 0n;
    const signature = isSignable
      ? payers.bundle(
          entries.map(({ channel, units }) => ({ channel, cumulativeUnits: units })),
          validUntilMs,
        )
      : random.bytes(64);
    const shown = entries.map(({ handle, id, units }) => ({ handle, id, units }));
    if (isOdd && random.oneIn(4)) shown.reverse();
    if (isOdd && random.oneIn(4))
      return { kind: 'bundle', validUntilMs, signature: flip(random, signature), entries: shown };
    return { kind: 'bundle', validUntilMs, signature, entries: shown };
  }

  #name(scene: Scene, { handle, id }: Named, isOdd: boolean): Named {
    const { random } = this;
    if (!isOdd || !random.oneIn(6)) return { handle, id };
    return {
      handle: random.pick([scene.named.length, 0x7fff_ffff, 0xffff_ffff, random.uint32()]),
      id: random.pick([random.bytes(32), id.subarray(1), Buffer.concat([id, id]), Buffer.alloc(0)]),
    };
  }

  #someChannel(scene: Scene): FuzzChannel {
    const known = scene.named.flatMap(({ channel }) => channel ?? []);
    return this.random.pick(known);
  }

  // Small steps: after a leap everything later would be superseded.
  #nextUnits(channel: FuzzChannel): bigint {
    const accepted = channel.facts.acceptedUnits;
    return accepted + BigInt(this.random.below(30) + 1);
  }

  #oddUnits({ facts }: FuzzChannel): bigint {
    const { depositUnits, acceptedUnits } = facts;
    return this.random.pick([0n, -1n, -(2n ** 63n), INT64_MAX, depositUnits + 1n, acceptedUnits]);
  }

  #oddTime(nowMs: bigint): bigint {
    const far = nowMs + 400n * DAY_MS;
    return this.random.pick([0n, -1n, 1n, nowMs - 1n, far + 10_000n, INT64_MAX, -(2n ** 63n)]);
  }

  #oddPayee(other: FuzzChannel): string {
    return this.random.pick([
      other.facts.payee,
      '',
      'T',
      other.facts.payee.slice(1),
      'T0OIl'.repeat(7),
    ]);
  }

  #signature(channel: FuzzChannel, units: bigint, validUntilMs: bigint): Buffer {
    // What falls long before its proof is seldom worth a signature: signing is what costs most here.
    const isHopeless = units <= channel.facts.acceptedUnits || units > channel.facts.depositUnits;
    const isSignable =
      units >= 0n && validUntilMs >= 0n && !(isHopeless && this.random.below(4) > 0);
    return isSignable ? this.payers.voucher(channel, units, validUntilMs) : this.random.bytes(64);
  }

  /** A signature that looks like one of this payment, and is none. */
  #forged(channel: FuzzChannel, units: bigint, validUntilMs: bigint): Buffer {
    const { random } = this;
    if (units < 0n || validUntilMs < 0n) return random.bytes(64);
    const { id: channelId, payee } = channel.facts;
    const claim = { channelId, payee, cumulativeUnits: units, validUntilMs };
    if (units === INT64_MAX || validUntilMs === INT64_MAX) return random.bytes(64);
    const by = (key: Uint8Array) => Buffer.from(sign(this.digests.voucher(claim), key));
    const own = channel.payer.privateKey;
    return random.pick([
      () => by(keyPairOf(random.bytes(32)).privateKey),
      () => this.payers.voucher(channel, units + 1n, validUntilMs),
      () => this.payers.voucher(channel, units, validUntilMs + 1n),
      () => flip(random, by(own)),
      () => highTwin(by(own)),
      () => Buffer.alloc(64),
      () => Buffer.alloc(64, 0xff),
      // Filled with a zero it may be whole again, so the payer stands for it.
      () => this.payers.voucher(channel, units, validUntilMs).subarray(0, 63),
    ])();
  }
}

function flip(random: Random, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = random.below(changed.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  return changed;
}

/** The other s of the same signature, which mathematics takes and the ledger does not. */
function highTwin(signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const twin = (CURVE_ORDER - s).toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(twin, 'hex')]);
}
