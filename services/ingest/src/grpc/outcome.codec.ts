import {
  type Outcome as OutcomeMessage,
  type PaymentOutcomes,
  reasonToWire,
} from '#libs/contracts';
import type { Refusal } from '#libs/domain';
import type { Payments } from '../application/post-vouchers.service.js';
import type { Outcome } from '../domain/claim.js';

/** Outcomes on the wire; they stand in the order of the request, vouchers first. */
export function outcomesToWire(payments: Payments, outcomes: readonly Outcome[]): PaymentOutcomes {
  const ids = [...payments.vouchers, ...payments.ticks].map(({ channelId }) => channelId);
  const messages = outcomes.map((outcome, at) => toWire(outcome, ids[at] ?? new Uint8Array(0)));
  return {
    vouchers: messages.slice(0, payments.vouchers.length),
    ticks: messages.slice(payments.vouchers.length),
  };
}

/** One refusal as the outcome of every payment. */
export function refusalToWire(payments: Payments, refusal: Refusal): PaymentOutcomes {
  const items = payments.vouchers.length + payments.ticks.length;
  return outcomesToWire(payments, new Array<Outcome>(items).fill(refusal));
}

function toWire(outcome: Outcome, channelId: Uint8Array): OutcomeMessage {
  if (outcome.ok) {
    const { acceptedUnits, partition, offset } = outcome;
    const receipt = { channelId: Buffer.from(channelId), acceptedUnits, partition, offset };
    return { result: { $case: 'receipt', value: receipt } };
  }
  const refusal = {
    reason: reasonToWire(outcome.reason),
    detail: outcome.detail,
    acceptedUnits: outcome.acceptedUnits ?? 0n,
  };
  return { result: { $case: 'refusal', value: refusal } };
}
