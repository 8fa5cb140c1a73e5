import type { Payments } from '#libs/client';
import type { Bundle, Tick, Voucher } from '#libs/contracts';
import type { Units } from '#libs/domain';
import type { PaidChannel } from './accounts.js';

const BATCH_ITEMS_MAX = 8;
const AMOUNT_UNITS_MAX = 100;
const TICKS_AT_ONCE_MAX = 3;
const BUNDLE_VALID_MS = 24 * 3_600_000;

/** What one payment claims. */
export type Claimed = { readonly channel: PaidChannel; readonly units: Units };

/** Some payments of one kind, and what each of them claims, in the order of their outcomes. */
export type Batch = { readonly payments: Payments; readonly claimed: readonly Claimed[] };

/** Makes payments on its channels: what, and on which of them, is up to `random` (0 to 1). */
export class Payer {
  readonly #vouchers: readonly PaidChannel[];
  readonly #ticks: readonly PaidChannel[];
  /** By payer: the channels that one signature pays together. */
  readonly #bundled: readonly (readonly PaidChannel[])[];
  readonly #bundleUnits = new Map<PaidChannel, Units>();

  constructor(
    channels: readonly PaidChannel[],
    private readonly random: () => number,
  ) {
    const of = (kind: PaidChannel['kind']) => channels.filter((each) => each.kind === kind);
    this.#vouchers = of('voucher');
    this.#ticks = of('tick');
    this.#bundled = [...Map.groupBy(of('bundle'), ({ wallet }) => wallet).values()];
  }

  /** The next payments, one batch of one kind. Empty when every chain of ticks is used up just now. */
  next(): Batch {
    const draw = this.random();
    if (draw < 0.4) return this.#voucherBatch();
    return draw < 0.7 ? this.#tickBatch() : this.#bundleBatch();
  }

  // Often several vouchers of one channel in a row: only the highest is verified and logged.
  #voucherBatch(): Batch {
    const vouchers: Voucher[] = [];
    const claimed: Claimed[] = [];
    let channel = this.#pick(this.#vouchers);
    for (let left = this.#upTo(BATCH_ITEMS_MAX); left > 0; left--) {
      if (this.random() < 0.5) channel = this.#pick(this.#vouchers);
      vouchers.push(channel.paying.pay(BigInt(this.#upTo(AMOUNT_UNITS_MAX))));
      claimed.push({ channel, units: channel.paying.cumulativeUnits });
    }
    return { payments: { vouchers }, claimed };
  }

  #tickBatch(): Batch {
    const ticks: Tick[] = [];
    const claimed: Claimed[] = [];
    for (let left = this.#upTo(BATCH_ITEMS_MAX); left > 0; left--) {
      const channel = this.#pick(this.#ticks);
      const count = Math.min(
        this.#upTo(TICKS_AT_ONCE_MAX),
        channel.isBusy ? 0 : ticksLeft(channel),
      );
      if (count === 0) continue;
      ticks.push(channel.paying.payTicks(count));
      claimed.push({ channel, units: channel.paying.cumulativeUnits });
    }
    return { payments: { ticks }, claimed };
  }

  #bundleBatch(): Batch {
    const channels = this.#pick(this.#bundled).filter(() => this.random() < 0.7);
    const [first] = channels;
    if (first === undefined) return { payments: {}, claimed: [] };
    const claimed = channels.map((channel) => {
      const paid = this.#bundleUnits.get(channel) ?? 0n;
      const units = paid + BigInt(this.#upTo(AMOUNT_UNITS_MAX));
      this.#bundleUnits.set(channel, units);
      return { channel, units };
    });
    const entries = claimed.map(({ channel, units }) => ({
      channelId: channel.paying.terms.channelId,
      cumulativeUnits: units,
    }));
    const validUntilMs = BigInt(Date.now() + BUNDLE_VALID_MS);
    const bundles: Bundle[] = [first.wallet.signBundle(entries, validUntilMs)];
    return { payments: { bundles }, claimed };
  }

  #pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.random() * list.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }

  #upTo(max: number): number {
    return 1 + Math.floor(this.random() * max);
  }
}

/** Ticks that a channel's chain still has. */
export function ticksLeft({ paying }: PaidChannel): number {
  const chain = paying.chain?.commitment;
  if (chain === undefined) return 0;
  const used = (paying.cumulativeUnits - chain.baseUnits) / chain.tickValueUnits;
  return Number(chain.ticksMax - used);
}
