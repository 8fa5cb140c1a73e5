/** A sender's highest claim and its runner-up may be tried for one channel in one flush. */
const TRIES_PER_SENDER = 2;

/** What a contest needs to know of a claim. */
export type Contender = { readonly cumulativeUnits: bigint; readonly sender: object };

/**
 * The claims of one channel in one flush. The highest is tried first; when its proof holds it wins
 * and answers every lower one unread. When it fails, its sender's runner-up is tried once; after that
 * the contest goes on with the claims of other senders, so that nobody's garbage hides an honest
 * payment of somebody else.
 *
 * Several candidates may be taken before the first is settled: each is meant for the case that all
 * before it fail. Once one wins, what was found of those below it does not count.
 */
export class Contest<C extends Contender> {
  /** Claims whose proof was tried and does not hold. */
  readonly failed = new Set<C>();
  winner: C | undefined;
  readonly #ranked: C[];
  readonly #skipped: C[] = [];
  readonly #tries = new Map<object, number>();
  #at = 0;

  /** Takes claims in order of arrival. */
  constructor(claims: readonly C[]) {
    this.#ranked = claims.toSorted(higherFirst);
  }

  /** True when there is a winner, or nothing left to try. */
  get isOver(): boolean {
    return this.winner !== undefined || this.#at === this.#ranked.length;
  }

  /** The claim to try next, or undefined when the contest is over; `mayTry` says whose may be tried. */
  candidate(mayTry: (claim: C) => boolean): C | undefined {
    while (!this.isOver) {
      const claim = this.#ranked[this.#at++];
      if (claim === undefined) return undefined;
      const tries = this.#tries.get(claim.sender) ?? 0;
      if (tries < TRIES_PER_SENDER && mayTry(claim)) {
        this.#tries.set(claim.sender, tries + 1);
        return claim;
      }
      this.#skipped.push(claim);
    }
    return undefined;
  }

  /** Says whether the proof of a candidate holds, in the order in which they were taken. */
  settle(claim: C, holds: boolean): void {
    if (this.winner !== undefined) return;
    if (holds) this.winner = claim;
    else this.failed.add(claim);
  }

  /** The winner and all that it answers; empty without a winner. */
  answered(): C[] {
    const { winner } = this;
    if (winner === undefined) return [];
    return this.#ranked.filter(
      (claim) => claim.cumulativeUnits <= winner.cumulativeUnits && !this.failed.has(claim),
    );
  }

  /** Claims that were passed over and that no winner answers. */
  untried(): C[] {
    const { winner } = this;
    if (winner === undefined) return this.#skipped;
    return this.#skipped.filter((c) => c.cumulativeUnits > winner.cumulativeUnits);
  }

  /** Claims that the contest did not come to, while it has no winner. */
  unreached(): C[] {
    return this.winner === undefined ? this.#ranked.slice(this.#at) : [];
  }
}

function higherFirst(a: Contender, b: Contender): number {
  if (a.cumulativeUnits === b.cumulativeUnits) return 0;
  return a.cumulativeUnits > b.cumulativeUnits ? -1 : 1;
}
