import type { PaymentBatch } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { LedgerRefusal } from './errors.js';
import { itemsOf, OpenResults, type PaymentResults, type Payments } from './outcomes.js';
import { backoffMs, type CallPolicy, pause } from './policy.js';

/** The wire's form of some payments. */
export function batchOf(payments: Payments): PaymentBatch {
  const { vouchers = [], ticks = [], bundles = [] } = payments;
  return { vouchers: [...vouchers], ticks: [...ticks], bundles: [...bundles] };
}

/**
 * Posts payments, and those that were refused for now again, with growing pauses. What is still
 * refused for now when the time is over stays so in the result. Rejects with LedgerRefusal when
 * there are too many payments for one request.
 */
export async function postUntilSettled(
  policy: CallPolicy,
  payments: Payments,
  post: (rest: Payments, endMs: number) => Promise<PaymentResults>,
): Promise<PaymentResults> {
  const count = itemsOf(payments);
  if (count > LIMITS.batchItemsMax) {
    throw new LedgerRefusal('LIMIT_EXCEEDED', `${count} payments, at most ${LIMITS.batchItemsMax}`);
  }
  const open = new OpenResults(payments);
  const endMs = Date.now() + policy.retryForMs;
  for (let attempt = 1; ; attempt++) {
    open.fill(await post(open.rest(), endMs));
    const pauseMs = backoffMs(policy, attempt, Math.random());
    if (open.settled || Date.now() + pauseMs >= endMs) return open.results();
    await pause(pauseMs);
  }
}
