import { VerifierUnavailableError } from '../crypto/proof-verifier.js';
import type { Verdict } from '../domain/bundle.js';
import { proofRefusal, uncheckedRefusal, untriedRefusal } from '../domain/claim.js';
import { Contest } from '../domain/contest.js';
import type { Budget } from '../domain/failure-budget.js';
import type { Flush } from '../domain/flush.js';
import type { Claims } from './claims.js';
import type { Footholds } from './footholds.js';
import { INGEST_LIMITS } from './limits.js';
import type { ProofCollector } from './proof-collector.js';

const NONE = -1;

type SlotContender = {
  readonly slot: number;
  readonly cumulativeUnits: bigint;
  readonly sender: Budget;
};
type OpenContest = { readonly group: number; readonly contest: Contest<SlotContender> };
/** A candidate and the number of its question; -1 when the verdict of its bundle is known. */
type Try = {
  readonly contest: Contest<SlotContender>;
  readonly claim: SlotContender;
  readonly question: number;
};

/**
 * Finds each group's winner: the highest claim whose proof holds. Nearly always that is the highest
 * claim at once; only where it is not, the group gets a {@link Contest} of objects.
 *
 * A flush waits for the contests of all its channels, so these are kept short: each round tries twice
 * as many candidates of a channel as the one before, and when {@link INGEST_LIMITS.contestChecksMax} is
 * used up, the claims that a contest did not come to are put off to a later flush.
 */
export class FlushJudge {
  /** Of each group, the number of its question to the proofs; -1 for none. */
  readonly #questions: Int32Array;

  constructor(
    private readonly claims: Claims,
    private readonly proofs: ProofCollector,
    private readonly footholds: Footholds,
    groupsMax: number,
  ) {
    this.#questions = new Int32Array(groupsMax);
  }

  /**
   * Sets the winners of a flush; of groups with one, the list is then what the winner answers, all
   * other claims have their refusal or are among those put off, which are returned: they are to be
   * queued again. `now` reads the clock.
   */
  async judge(flush: Flush, now: () => number): Promise<number[]> {
    try {
      await this.#tryHighest(flush, now());
      const contests = this.#settleHighest(flush, now);
      await this.#decide(contests, now);
      return contests.flatMap((open) =>
        flush.isFoothold[open.group] === 1
          ? this.#closeFootholds(flush, open, now())
          : this.#close(flush, open),
      );
    } catch (error) {
      if (!(error instanceof VerifierUnavailableError)) throw error;
      for (let group = 0; group < flush.groups; group++) {
        if (flush.winner[group] !== NONE) continue;
        this.claims.settleList(flush.head[group] ?? NONE, uncheckedRefusal());
        flush.head[group] = NONE;
      }
      return [];
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
        this.#win(flush, group, now());
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

  #win(flush: Flush, group: number, nowMs: number): void {
    const slot = flush.best[group] ?? NONE;
    if (flush.isFoothold[group] === 0) flush.winner[group] = slot;
    else {
      this.footholds.prove(slot);
      this.footholds.answerList(flush.head[group] ?? NONE, nowMs);
      flush.head[group] = NONE;
    }
  }

  async #decide(contests: readonly OpenContest[], now: () => number): Promise<void> {
    let open = contests.filter(({ contest }) => !contest.isOver);
    let checksLeft: number = INGEST_LIMITS.contestChecksMax;
    for (let size = 2; open.length > 0 && checksLeft > 0; size *= 2) {
      this.proofs.clear();
      const round: Try[] = [];
      for (const { contest } of open) {
        checksLeft -= this.#ask(contest, size, checksLeft, round, now);
      }
      await this.proofs.check();
      for (const { contest, claim, question } of round) {
        const holds =
          question === NONE ? this.#verdict(claim) === 'holds' : this.proofs.holds(question);
        this.#settleTried(contest, claim, holds, now());
      }
      open = open.filter(({ contest }) => !contest.isOver);
    }
  }

  /** Asks for `size` candidates of a contest, fewer once they cost `checksMax`; returns what they cost. */
  #ask(
    contest: Contest<SlotContender>,
    size: number,
    checksMax: number,
    round: Try[],
    now: () => number,
  ): number {
    let cost = 0;
    for (let asked = 0; asked < size && cost < checksMax; ) {
      const claim = contest.candidate(({ sender }) => !sender.isSpent(now()));
      if (claim === undefined) break;
      const verdict = this.#verdict(claim);
      // A bundle is checked once.
      const question = verdict === 'unknown' ? this.proofs.ask(claim.slot) : NONE;
      round.push({ contest, claim, question });
      if (verdict === 'holds') break;
      if (verdict === 'fails') continue;
      asked++;
      cost += Math.max(1, this.proofs.cost(claim.slot));
    }
    return cost;
  }

  #verdict({ slot }: SlotContender): Verdict {
    return this.claims.columns.bundle(slot)?.verdict ?? 'unknown';
  }

  #settleTried(
    contest: Contest<SlotContender>,
    claim: SlotContender,
    holds: boolean,
    nowMs: number,
  ): void {
    contest.settle(claim, holds);
    // One that was tried below the winner is answered by it, and nobody pays for the try.
    if (!contest.failed.has(claim)) return;
    const bundle = this.claims.columns.bundle(claim.slot);
    if (bundle?.isCharged === true) return;
    if (bundle !== undefined) bundle.isCharged = true;
    claim.sender.charge(this.proofs.cost(claim.slot), nowMs);
  }

  /** Answers what the contest decided and returns the claims that are put off. */
  #close(flush: Flush, { group, contest }: OpenContest): number[] {
    const { columns } = this.claims;
    for (const { slot } of contest.failed) {
      this.claims.settle(slot, proofRefusal(columns.kind[slot] ?? 0));
    }
    for (const { slot } of contest.untried()) this.claims.settle(slot, untriedRefusal());
    flush.winner[group] = contest.winner?.slot ?? NONE;
    const answered = contest.answered().map(({ slot }) => slot);
    flush.relink(group, answered, columns.next);
    return this.#putOff(contest);
  }

  // All are superseded, whatever their proofs say; a proof that does not hold has been paid for.
  #closeFootholds(flush: Flush, { group, contest }: OpenContest, nowMs: number): number[] {
    const { winner, failed } = contest;
    if (winner !== undefined) this.footholds.prove(winner.slot);
    for (const { slot } of [...failed, ...contest.untried(), ...contest.answered()]) {
      this.footholds.answer(slot, nowMs);
    }
    flush.head[group] = NONE;
    return this.#putOff(contest);
  }

  #putOff(contest: Contest<SlotContender>): number[] {
    const slots = contest.unreached().map(({ slot }) => slot);
    for (const slot of slots) this.claims.columns.next[slot] = NONE;
    return slots;
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
