import { LIMITS, type Refusal, refuse, UNITS_MAX } from '#libs/domain';

/** The numbers of a bid that decide how much must be held. */
export type BidTerms = {
  readonly slots: number;
  readonly priceLimitUnits: bigint;
  readonly volumeMib: bigint;
  readonly budgetUnits: bigint;
};

/** Checks a bid's numbers; undefined when they are fine. */
export function checkBidTerms(bid: BidTerms): Refusal | undefined {
  if (bid.slots < 1 || bid.slots > LIMITS.slotsMax) {
    return refuse('LIMIT_EXCEEDED', `slots must be 1 to ${LIMITS.slotsMax}`);
  }
  if (bid.priceLimitUnits <= 0n || bid.volumeMib <= 0n) {
    return refuse('MALFORMED', 'price_limit_units and volume_mib must be above 0');
  }
  const needed = BigInt(bid.slots) * bid.priceLimitUnits * bid.volumeMib;
  if (bid.budgetUnits > UNITS_MAX || needed > UNITS_MAX) {
    return refuse('LIMIT_EXCEEDED', 'the budget does not fit 64 bits');
  }
  if (bid.budgetUnits < needed) {
    return refuse('BUDGET_TOO_SMALL', `slots × price limit × volume is ${needed} units`);
  }
  return undefined;
}
