/** A sender's highest claim and its runner-up may be tried for one channel in one flush. */
const TRIES_PER_SENDER = 2;

/** What a contest needs to know of a claim. */
export type Contender = { readonly cumulativeUnits: bigint; readonly sender: object };

/**
 * The claims of one channel in one flush. The highest is tried first; when its proof holds it wins
 * and answers every lower one unread. When it fails, its sender's runner-up is tried once; after that
 * the contest goes on with the claims of other senders, so that nobody's garbage hides an honest
 * payment of somebody else.
 */
export class Contest<C extends Contender> {
  /** Claims whose proof was tried and does not hold. */
  readonly failed: C[] = [];
  winner: C | undefined;
  readonly #ranked: C[];
  readonly #skipped: C[] = [];
  readonly #tries = new Map<object, number>();
  #at = 0;

  /** Takes claims in order of arrival. */
  constructor(claims: readonly C[]) {
    this.#ranked = claims.toSorted(higherFirst);
  }

  /** The claim to try next, or undefined when the contest is over; `mayTry` says whose may be tried. */
  candidate(mayTry: (claim: C) => boolean): C | undefined {
    if (this.winner !== undefined) return undefined;
    for (; this.#at < this.#ranked.length; this.#at++) {
      const claim = this.#ranked[this.#at];
      if (claim === undefined) return undefined;
      if ((this.#tries.get(claim.sender) ?? 0) < TRIES_PER_SENDER && mayTry(claim)) return claim;
      this.#skipped.push(claim);
    }
    return undefined;
  }

  /** Says whether the proof of the last candidate holds. */
  settle(claim: C, holds: boolean): void {
    this.#at++;
    this.#tries.set(claim.sender, (this.#tries.get(claim.sender) ?? 0) + 1);
    if (holds) this.winner = claim;
    else this.failed.push(claim);
  }

  /** The winner and all that it answers; empty without a winner. */
  answered(): C[] {
    const { winner } = this;
    if (winner === undefined) return [];
    const equalAbove = this.#skipped.filter((c) => c.cumulativeUnits === winner.cumulativeUnits);
    return [winner, ...equalAbove, ...this.#ranked.slice(this.#at)];
  }

  /** Claims that were not tried and that no winner answers. */
  untried(): C[] {
    const { winner } = this;
    if (winner === undefined) return this.#skipped;
    return this.#skipped.filter((c) => c.cumulativeUnits > winner.cumulativeUnits);
  }
}

function higherFirst(a: Contender, b: Contender): number {
  if (a.cumulativeUnits === b.cumulativeUnits) return 0;
  return a.cumulativeUnits > b.cumulativeUnits ? -1 : 1;
}
