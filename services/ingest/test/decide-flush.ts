import type { Reason } from '#libs/domain';

/** A claim as a plain object: all that decides what becomes of it in one flush. */
export type PlainClaim = {
  readonly channel: number;
  readonly sender: string;
  readonly units: bigint;
  readonly kind: 'voucher' | 'tick' | 'bundle';
  readonly holds: boolean;
};

/** What becomes of it: the amount that answers it, or the reason why not. */
export type PlainOutcome = bigint | Reason;

/**
 * The flush decision in its plainest form, on claims that all stand and senders that all have budget
 * left; `claims` are in order of arrival. Returns an outcome per claim and the claims that are logged.
 */
export function decideFlush(claims: readonly PlainClaim[]): {
  readonly outcomes: PlainOutcome[];
  readonly winners: PlainClaim[];
} {
  const outcomes = new Map<PlainClaim, PlainOutcome>();
  const winners: PlainClaim[] = [];
  for (const group of Map.groupBy(claims, ({ channel }) => channel).values()) {
    const winner = decideChannel(group, outcomes);
    if (winner !== undefined) winners.push(winner);
  }
  return { outcomes: claims.map((claim) => outcomes.get(claim) ?? 'OVERLOADED'), winners };
}

function decideChannel(
  group: readonly PlainClaim[],
  outcomes: Map<PlainClaim, PlainOutcome>,
): PlainClaim | undefined {
  const highestFirst = group.toSorted((a, b) => Number(b.units - a.units));
  const tries = new Map<string, number>();
  for (const claim of highestFirst) {
    const tried = tries.get(claim.sender) ?? 0;
    if (tried === 2) continue;
    tries.set(claim.sender, tried + 1);
    if (!claim.holds) {
      outcomes.set(claim, claim.kind === 'tick' ? 'BAD_PREIMAGE' : 'BAD_SIGNATURE');
      continue;
    }
    // It answers what is not higher and was not found wrong.
    for (const other of group) {
      if (other.units <= claim.units && !outcomes.has(other)) outcomes.set(other, claim.units);
    }
    return claim;
  }
  return undefined;
}
