import { REASONS, type Reason } from '#libs/domain';
import {
  bundleText,
  type FuzzChannel,
  type Payers,
  paymentText,
  TICK_UNITS,
  TICKS_MAX,
} from './payers.js';
import type { BundlePlan, Named, Plan, TickPlan, VoucherPlan } from './plans.js';
import type { PackedFields } from './protobuf.js';

const DAY_MS = 86_400_000n;
const TICKS_EVER = 100_000_000n;

/** What became of one payment. */
export type Told = { readonly accepted: bigint } | { readonly refused: Reason };

/** How channels are named in a message. */
export type Api = 'packed' | 'typed';

/** Finds the channel that a payment names; undefined when there is none. */
export type Lookup = (named: Named) => FuzzChannel | undefined;

type Item = {
  readonly what: string;
  /** The first rung of the ladder that it falls off, or `proof`. */
  readonly rung: Reason | 'proof';
  readonly channel: FuzzChannel | undefined;
  readonly units: bigint;
  readonly isAuthentic: boolean;
};

/**
 * What may become of payments, told from the published rules and from what the payers signed, without
 * the code under test. `judge` answers complaints; none means that all is well.
 */
export class Truth {
  constructor(
    private readonly payers: Payers,
    private readonly api: Api,
    private readonly lookup: Lookup,
    private readonly nowMs: bigint,
  ) {}

  judge(plan: Plan, told: readonly Told[]): string[] {
    const items = [
      ...plan.vouchers.map((voucher) => this.#voucher(voucher)),
      ...plan.ticks.map((tick) => this.#tick(tick)),
      ...plan.bundles.flatMap((bundle) => this.#bundle(bundle)),
    ];
    if (items.length !== told.length) return [`${told.length} answers to ${items.length} payments`];
    const complaints = items.flatMap((item, at) => this.#compare(item, told[at], items));
    return complaints;
  }

  #compare(item: Item, told: Told | undefined, items: readonly Item[]): string[] {
    const complain = (why: string) => [`${item.what}: ${why} (told ${show(told)})`];
    if (told === undefined) return complain('no answer');
    if (item.rung !== 'proof') {
      return 'refused' in told && told.refused === item.rung
        ? []
        : complain(`must be refused with ${item.rung}`);
    }
    const others = items.filter(
      (other) => other !== item && other.rung === 'proof' && other.channel === item.channel,
    );
    const honest = [...others, item].filter(({ isAuthentic }) => isAuthentic);
    if ('accepted' in told) {
      const isCovered = honest.some(({ units }) => units === told.accepted);
      return isCovered && told.accepted >= item.units
        ? []
        : complain('accepted, and no payer signed that');
    }
    switch (told.refused) {
      case 'BAD_SIGNATURE':
      case 'BAD_PREIMAGE':
        return item.isAuthentic ? complain('its proof is good') : [];
      case 'SUPERSEDED':
        return honest.some((other) => other !== item && other.units >= item.units)
          ? []
          : complain('nothing supersedes it');
      case 'OVERLOADED': {
        const forged = others.filter((other) => !other.isAuthentic && other.units >= item.units);
        return forged.length >= 2 ? [] : complain('nothing failed before it');
      }
      default:
        return complain('it stands up to its proof');
    }
  }

  #voucher(plan: VoucherPlan): Item {
    const signature = this.#sized(plan.signature, 64);
    const channel = this.lookup(plan);
    const { units, validUntilMs } = plan;
    const isShaped =
      this.api === 'packed' ||
      (plan.id.length === 32 &&
        signature.length === 64 &&
        /^T[1-9A-HJ-NP-Za-km-z]{33}$/.test(plan.payee));
    const rung = (): Item['rung'] => {
      if (!isShaped || units <= 0n || !this.#isTimeShaped(validUntilMs)) return 'MALFORMED';
      if (channel === undefined) return 'CHANNEL_UNKNOWN';
      if (!this.#accepts(channel)) return 'CHANNEL_CLOSED';
      if (this.api === 'typed' && plan.payee !== channel.facts.payee) return 'PAYEE_MISMATCH';
      return this.#amountRung(channel, units, validUntilMs);
    };
    const text = paymentText('voucher', units, validUntilMs, signature);
    const isAuthentic = channel?.payments.has(text) ?? false;
    return { what: `voucher ${units} @${plan.handle}`, rung: rung(), channel, units, isAuthentic };
  }

  #tick(plan: TickPlan): Item {
    const preimage = this.#sized(plan.preimage, 32);
    const channel = this.lookup(plan);
    const units = plan.index * TICK_UNITS;
    const isShaped = this.api === 'packed' || (plan.id.length === 32 && preimage.length === 32);
    const rung = (): Item['rung'] => {
      if (!isShaped || plan.index <= 0n) return 'MALFORMED';
      if (plan.index > TICKS_EVER) return 'LIMIT_EXCEEDED';
      if (channel === undefined) return 'CHANNEL_UNKNOWN';
      if (!this.#accepts(channel)) return 'CHANNEL_CLOSED';
      if (plan.index > BigInt(TICKS_MAX)) return 'TICK_OUT_OF_RANGE';
      return this.#amountRung(channel, units, this.nowMs);
    };
    const text = paymentText('tick', units, plan.index, preimage);
    const isAuthentic = channel?.payments.has(text) ?? false;
    return {
      what: `tick ${plan.index} @${plan.handle}`,
      rung: rung(),
      channel,
      units,
      isAuthentic,
    };
  }

  #bundle(plan: BundlePlan): Item[] {
    const signature = this.#sized(plan.signature, 64);
    const channels = plan.entries.map((entry) => this.lookup(entry));
    const whole = this.#bundleRung(plan, signature, channels);
    const named = plan.entries.map(({ units }, at) => ({
      channelNo: channels[at]?.facts.channelNo ?? -1n,
      cumulativeUnits: units,
    }));
    const isAuthentic = this.payers.bundles.has(bundleText(plan.validUntilMs, signature, named));
    return plan.entries.map(({ units, handle }, at) => {
      const channel = channels[at];
      const own = () => {
        if (channel === undefined) return 'CHANNEL_UNKNOWN';
        if (!this.#accepts(channel)) return 'CHANNEL_CLOSED';
        return this.#amountRung(channel, units, plan.validUntilMs);
      };
      const rung = whole ?? own();
      return { what: `entry ${units} @${handle}`, rung, channel, units, isAuthentic };
    });
  }

  #bundleRung(
    { entries, validUntilMs }: BundlePlan,
    signature: Buffer,
    channels: readonly (FuzzChannel | undefined)[],
  ): Reason | undefined {
    const isShaped =
      this.api === 'packed' ||
      (signature.length === 64 && entries.every(({ id }) => id.length === 32));
    const isMalformed =
      !isShaped || entries.some(({ units }) => units <= 0n) || !this.#isTimeShaped(validUntilMs);
    if (isMalformed) return 'MALFORMED';
    if (channels.includes(undefined)) return 'CHANNEL_UNKNOWN';
    const isMixed =
      new Set(channels.map((channel) => channel?.payer)).size > 1 ||
      new Set(channels.map((channel) => channel?.facts.partition)).size > 1 ||
      new Set(channels).size < channels.length;
    return isMixed ? 'MALFORMED' : undefined;
  }

  #amountRung({ facts }: FuzzChannel, units: bigint, validUntilMs: bigint): Item['rung'] {
    if (validUntilMs < this.nowMs) return 'EXPIRED';
    if (units > facts.depositUnits) return 'ABOVE_DEPOSIT';
    return units <= facts.acceptedUnits ? 'SUPERSEDED' : 'proof';
  }

  #accepts({ facts }: FuzzChannel): boolean {
    if (facts.state === 'closing') return facts.closesAtMs > this.nowMs;
    return facts.state === 'open';
  }

  #isTimeShaped(validUntilMs: bigint): boolean {
    return validUntilMs > 0n && validUntilMs <= this.nowMs + 400n * DAY_MS;
  }

  #sized(bytes: Buffer, length: number): Buffer {
    if (this.api === 'typed') return bytes;
    return Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length);
  }
}

/** What must become of a packed batch before any payment of it is looked at; undefined when it can be cut. */
export function cutVerdict({ vouchers, ticks, bundles }: PackedFields): Reason | undefined {
  if (vouchers.length % 84 !== 0 || ticks.length % 40 !== 0) return 'MALFORMED';
  let items = vouchers.length / 84 + ticks.length / 40;
  for (let rest = bundles; rest.length > 0; ) {
    const count = rest.length < 76 ? 0 : rest.readUInt32BE(72);
    const end = 76 + 12 * count;
    if (count < 1 || count > 256 || end > rest.length) return 'MALFORMED';
    items += count;
    rest = rest.subarray(end);
  }
  if (items === 0) return 'MALFORMED';
  return items > 4096 ? 'LIMIT_EXCEEDED' : undefined;
}

/** True for a reason that the API names. */
export function isReason(reason: unknown): reason is Reason {
  return REASONS.some((known) => known === reason);
}

function show(told: Told | undefined): string {
  if (told === undefined) return 'nothing';
  return 'accepted' in told ? `accepted ${told.accepted}` : told.refused;
}
