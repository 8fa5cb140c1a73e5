import {
  type Bundle,
  type Outcome,
  type PaymentOutcomes,
  type Receipt,
  reasonFromWire,
  type Tick,
  type Voucher,
} from '#libs/contracts';
import type { Reason, Units } from '#libs/domain';
import { isTransient } from './errors.js';

/** Some payments to post together, up to 4096 with every entry of a bundle counted. */
export type Payments = {
  readonly vouchers?: readonly Voucher[];
  readonly ticks?: readonly Tick[];
  readonly bundles?: readonly Bundle[];
};

/** How many items these payments are, as the ledger counts them. */
export function itemsOf({ vouchers = [], ticks = [], bundles = [] }: Payments): number {
  const entries = bundles.reduce((sum, bundle) => sum + bundle.entries.length, 0);
  return vouchers.length + ticks.length + entries;
}

/** What became of one payment. */
export type PaymentOutcome =
  | { readonly status: 'accepted'; readonly receipt: Receipt }
  | {
      readonly status: 'refused';
      readonly reason: Reason;
      readonly detail: string;
      /** With SUPERSEDED: what the channel already owes. */
      readonly acceptedUnits: Units;
    };

/** What became of each payment, in the order of the request. */
export type PaymentResults = {
  readonly vouchers: readonly PaymentOutcome[];
  readonly ticks: readonly PaymentOutcome[];
  /** Per bundle, the outcomes of its entries. */
  readonly bundles: readonly (readonly PaymentOutcome[])[];
};

/**
 * What the ledger has durably recorded that the channel owes, as far as this outcome tells;
 * undefined when it tells nothing. After a lost answer the resend of an accepted voucher is
 * SUPERSEDED by itself, which is as good as a receipt.
 */
export function owedAtLeast(outcome: PaymentOutcome): Units | undefined {
  if (outcome.status === 'accepted') return outcome.receipt.acceptedUnits;
  return outcome.reason === 'SUPERSEDED' ? outcome.acceptedUnits : undefined;
}

/** Reads the outcomes of a batch; throws a TypeError when their number is not that of the payments. */
export function resultsFromWire(
  payments: Payments,
  outcomes: PaymentOutcomes | undefined,
): PaymentResults {
  const { vouchers = [], ticks = [], bundles = [] } = outcomes ?? {};
  const given = [vouchers, ticks, ...bundles.map(({ entries }) => entries)];
  const wanted = [
    payments.vouchers ?? [],
    payments.ticks ?? [],
    ...(payments.bundles ?? []).map(({ entries }) => entries),
  ];
  const counts = (lists: readonly (readonly unknown[])[]) =>
    lists.map((list) => list.length).join(' + ');
  if (counts(given) !== counts(wanted)) {
    throw new TypeError(`${counts(given)} outcomes do not answer ${counts(wanted)} payments`);
  }
  return {
    vouchers: vouchers.map(fromWire),
    ticks: ticks.map(fromWire),
    bundles: bundles.map(({ entries }) => entries.map(fromWire)),
  };
}

function fromWire({ result }: Outcome): PaymentOutcome {
  if (result?.$case === 'receipt') return { status: 'accepted', receipt: result.value };
  const { reason, detail = 'an empty outcome', acceptedUnits = 0n } = result?.value ?? {};
  // A reason that a newer server made up is not ours to interpret: the outcome is unknown.
  const name = reason === undefined ? undefined : reasonFromWire(reason);
  return { status: 'refused', reason: name ?? 'OUTCOME_UNKNOWN', detail, acceptedUnits };
}

/** Results that are still open: payments refused for now, each with its place. */
export class OpenResults {
  readonly #vouchers: (PaymentOutcome | undefined)[];
  readonly #ticks: (PaymentOutcome | undefined)[];
  readonly #bundles: (PaymentOutcome | undefined)[][];

  constructor(private readonly payments: Payments) {
    const slots = (list: readonly unknown[] = []) => new Array(list.length).fill(undefined);
    this.#vouchers = slots(payments.vouchers);
    this.#ticks = slots(payments.ticks);
    this.#bundles = (payments.bundles ?? []).map(({ entries }) => slots(entries));
  }

  /** The payments that have no final outcome yet; a bundle is whole, since it is signed whole. */
  rest(): Payments {
    return {
      vouchers: (this.payments.vouchers ?? []).filter((_, at) => isOpen(this.#vouchers[at])),
      ticks: (this.payments.ticks ?? []).filter((_, at) => isOpen(this.#ticks[at])),
      bundles: (this.payments.bundles ?? []).filter((_, at) => this.#bundles[at]?.some(isOpen)),
    };
  }

  /** Takes the results of {@link rest}, in its order. */
  fill(results: PaymentResults): void {
    fillOpen(this.#vouchers, results.vouchers);
    fillOpen(this.#ticks, results.ticks);
    const open = this.#bundles.filter((slots) => slots.some(isOpen));
    for (const [at, slots] of open.entries()) {
      const entries = results.bundles[at] ?? [];
      for (let entry = 0; entry < slots.length; entry++) {
        // What was final before stays: of the repeat it would only say SUPERSEDED.
        if (isOpen(slots[entry])) slots[entry] = entries[entry];
      }
    }
  }

  /** True when no payment was refused for now only. */
  get settled(): boolean {
    return ![this.#vouchers, this.#ticks, ...this.#bundles].some((slots) => slots.some(isOpen));
  }

  /** All results, after at least one {@link fill}. */
  results(): PaymentResults {
    const given = (outcome: PaymentOutcome | undefined) => outcome !== undefined;
    return {
      vouchers: this.#vouchers.filter(given),
      ticks: this.#ticks.filter(given),
      bundles: this.#bundles.map((slots) => slots.filter(given)),
    };
  }
}

function isOpen(outcome: PaymentOutcome | undefined): boolean {
  return outcome === undefined || (outcome.status === 'refused' && isTransient(outcome.reason));
}

function fillOpen(slots: (PaymentOutcome | undefined)[], results: readonly PaymentOutcome[]): void {
  let next = 0;
  for (let at = 0; at < slots.length; at++) if (isOpen(slots[at])) slots[at] = results[next++];
}
