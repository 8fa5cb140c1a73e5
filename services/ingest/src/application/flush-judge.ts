import { VerifierUnavailableError } from '../crypto/proof-verifier.js';
import { proofRefusal, uncheckedRefusal, untriedRefusal } from '../domain/claim.js';
import { Contest } from '../domain/contest.js';
import type { Budget } from '../domain/failure-budget.js';
import type { Flush } from '../domain/flush.js';
import type { Claims } from './claims.js';
import type { ProofCollector } from './proof-collector.js';

const NONE = -1;

type SlotContender = {
  readonly slot: number;
  readonly cumulativeUnits: bigint;
  readonly sender: Budget;
};
type OpenContest = { readonly group: number; readonly contest: Contest<SlotContender> };

/**
 * Finds each group's winner: the highest claim whose proof holds. Nearly always that is the highest
 * claim at once; only where it is not, the group gets a {@link Contest} of objects.
 */
export class FlushJudge {
  /** Of each group, the number of its question to the proofs; -1 for none. */
  readonly #questions: Int32Array;

  constructor(
    private readonly claims: Claims,
    private readonly proofs: ProofCollector,
    groupsMax: number,
  ) {
    this.#questions = new Int32Array(groupsMax);
  }

  /**
   * Sets the winners of a flush; of groups with one, the list is then what the winner answers, all
   * other claims have their refusal. `now` reads the clock.
   */
  async judge(flush: Flush, now: () => number): Promise<void> {
    try {
      await this.#tryHighest(flush, now());
      const contests = this.#settleHighest(flush, now);
      await this.#decide(contests, now);
      for (const open of contests) this.#close(flush, open);
    } catch (error) {
      if (!(error instanceof VerifierUnavailableError)) throw error;
      for (let group = 0; group < flush.groups; group++) {
        if (flush.winner[group] !== NONE) continue;
        this.claims.settleList(flush.head[group] ?? NONE, uncheckedRefusal());
        flush.head[group] = NONE;
      }
    }
  }

  async #tryHighest(flush: Flush, nowMs: number): Promise<void> {
    this.proofs.clear();
    for (let group = 0; group < flush.groups; group++) {
      const slot = flush.best[group] ?? NONE;
      const mayTry = !this.claims.submission(slot).sender.isSpent(nowMs);
      this.#questions[group] = mayTry ? this.proofs.ask(slot) : NONE;
    }
    await this.proofs.check();
  }

  #settleHighest(flush: Flush, now: () => number): OpenContest[] {
    const open: OpenContest[] = [];
    for (let group = 0; group < flush.groups; group++) {
      const question = this.#questions[group] ?? NONE;
      if (question !== NONE && this.proofs.holds(question)) {
        flush.winner[group] = flush.best[group] ?? NONE;
        continue;
      }
      const contest = new Contest(this.#contenders(flush.head[group] ?? NONE));
      if (question !== NONE) {
        const claim = contest.candidate(() => true);
        if (claim !== undefined) this.#settleTried(contest, claim, false, now());
      }
      open.push({ group, contest });
    }
    return open;
  }

  async #decide(contests: readonly OpenContest[], now: () => number): Promise<void> {
    let open = contests;
    while (open.length > 0) {
      this.proofs.clear();
      const round: (OpenContest & { claim: SlotContender; question: number })[] = [];
      for (const { group, contest } of open) {
        const claim = this.#candidate(contest, now);
        if (claim === undefined) continue;
        round.push({ group, contest, claim, question: this.proofs.ask(claim.slot) });
      }
      await this.proofs.check();
      for (const { contest, claim, question } of round) {
        this.#settleTried(contest, claim, this.proofs.holds(question), now());
      }
      open = round.filter(({ contest }) => contest.winner === undefined);
    }
  }

  // Claims of bundles whose signature is known are settled on the way: a bundle is checked once.
  #candidate(contest: Contest<SlotContender>, now: () => number): SlotContender | undefined {
    for (;;) {
      const claim = contest.candidate(({ sender }) => !sender.isSpent(now()));
      const verdict = claim && this.claims.columns.bundle(claim.slot)?.verdict;
      if (claim === undefined || verdict === undefined || verdict === 'unknown') return claim;
      contest.settle(claim, verdict === 'holds');
    }
  }

  #settleTried(
    contest: Contest<SlotContender>,
    claim: SlotContender,
    holds: boolean,
    nowMs: number,
  ): void {
    contest.settle(claim, holds);
    if (holds) return;
    const bundle = this.claims.columns.bundle(claim.slot);
    if (bundle?.isCharged === true) return;
    if (bundle !== undefined) bundle.isCharged = true;
    claim.sender.charge(this.proofs.cost(claim.slot), nowMs);
  }

  #close(flush: Flush, { group, contest }: OpenContest): void {
    for (const { slot } of contest.failed) {
      this.claims.settle(slot, proofRefusal(this.claims.columns.kind[slot] ?? 0));
    }
    for (const { slot } of contest.untried()) this.claims.settle(slot, untriedRefusal());
    flush.winner[group] = contest.winner?.slot ?? NONE;
    const answered = contest.answered().map(({ slot }) => slot);
    flush.relink(group, answered, this.claims.columns.next);
  }

  #contenders(head: number): SlotContender[] {
    const contenders: SlotContender[] = [];
    const { columns } = this.claims;
    for (let slot = head; slot !== NONE; slot = columns.next[slot] ?? NONE) {
      contenders.push({
        slot,
        cumulativeUnits: columns.units(slot),
        sender: this.claims.submission(slot).sender,
      });
    }
    return contenders;
  }
}
