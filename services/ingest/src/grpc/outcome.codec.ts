import {
  type ItemRefusal,
  type Outcome as OutcomeMessage,
  type PaymentOutcomes,
  type Refusal as RefusalMessage,
  reasonToWire,
} from '#libs/contracts';
import type { Refusal } from '#libs/domain';
import type { Payments } from '../application/post-vouchers.service.js';
import type { ClaimRefusal, Outcome } from '../domain/claim.js';

/** Outcomes on the wire; they stand in the order of the request: vouchers, ticks, entries of bundles. */
export function outcomesToWire(payments: Payments, outcomes: readonly Outcome[]): PaymentOutcomes {
  let item = 0;
  const next = ({ channelId }: { readonly channelId: Uint8Array }) =>
    toWire(outcomes[item++], channelId);
  return {
    vouchers: payments.vouchers.map(next),
    ticks: payments.ticks.map(next),
    bundles: payments.bundles.map(({ entries }) => ({ entries: entries.map(next) })),
  };
}

/** One refusal as the outcome of every payment. */
export function refusalToWire(payments: Payments, refusal: Refusal): PaymentOutcomes {
  const next = ({ channelId }: { readonly channelId: Uint8Array }) => toWire(refusal, channelId);
  return {
    vouchers: payments.vouchers.map(next),
    ticks: payments.ticks.map(next),
    bundles: payments.bundles.map(({ entries }) => ({ entries: entries.map(next) })),
  };
}

/** A refused item of a packed batch. */
export function itemRefusal(item: number, refusal: ClaimRefusal): ItemRefusal {
  return { item, refusal: refusalMessage(refusal) };
}

function toWire(outcome: Outcome | undefined, channelId: Uint8Array): OutcomeMessage {
  if (outcome === undefined) return { result: undefined };
  if (!outcome.ok) return { result: { $case: 'refusal', value: refusalMessage(outcome) } };
  const { acceptedUnits, partition, offset } = outcome;
  const receipt = { channelId: Buffer.from(channelId), acceptedUnits, partition, offset };
  return { result: { $case: 'receipt', value: receipt } };
}

function refusalMessage({ reason, detail, acceptedUnits }: ClaimRefusal): RefusalMessage {
  return { reason: reasonToWire(reason), detail, acceptedUnits: acceptedUnits ?? 0n };
}
