import type { MarketOrder, PlaceBidRequest } from '#libs/contracts';
import type { Result } from '#libs/domain';

/** Milliseconds since 1970; a parameter so that tests decide what time it is. */
export type Clock = () => bigint;

/** The books, as far as an auction needs them. */
export type HoldPort = {
  /**
   * Holds a signed bid's budget; the signature is checked there. Repeating it is harmless. Refuses
   * what the books refuse, UNAVAILABLE when they do not answer, OUTCOME_UNKNOWN when they answer too late.
   */
  placeHold(bid: PlaceBidRequest): Promise<Result<undefined>>;
};

/** The order log. */
export type OrderLogPort = {
  /**
   * Resolves when the record is durable. Refuses OVERLOADED (nothing was written) and
   * OUTCOME_UNKNOWN (it may or may not be written).
   */
  append(part: number, swarm: Buffer, record: MarketOrder): Promise<Result<undefined>>;
};
