import { setTimeout as sleep } from 'node:timers/promises';
import { refuse } from '#libs/domain';
import type { Channel } from '../domain/channel.js';
import { noLongerStands, type Outcome, proofCost, proofRefusal } from '../domain/claim.js';
import { Contest } from '../domain/contest.js';
import type { ChannelDirectory } from './channel-directory.js';
import { ClaimQueue } from './claim-queue.js';
import type { FlushWriter, Raise } from './flush-writer.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter, VerifyClaims } from './ports.js';
import type { QueuedClaim } from './submission.js';

/** What a {@link Flusher} is made of; `windowMs` is how long a flush waits for company. */
export type FlusherParts = {
  readonly directory: ChannelDirectory;
  readonly verifier: VerifyClaims;
  readonly writer: FlushWriter;
  readonly clock: Clock;
  readonly meter: IngestMeter;
  readonly windowMs: number;
};

/**
 * Gathers claims for a few milliseconds, finds the highest of each channel whose proof holds, and
 * hands these to the writer. While one flush is being written the next is gathered and verified; a
 * third waits in the queue, so a slow log makes flushes larger, not more.
 */
export class Flusher {
  readonly #parts: FlusherParts;
  readonly #queue = new ClaimQueue();
  #writing: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;
  #draining = false;

  constructor(parts: FlusherParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  enqueue(claim: QueuedClaim): void {
    this.#queue.push(claim);
    this.#parts.meter.queued(this.#queue.length);
  }

  /** Frees what waits behind a log that does not answer, once it is answered by its deadline. */
  dropAnswered(): void {
    this.#queue.dropAnswered();
    this.#parts.meter.queued(this.#queue.length);
  }

  /** Flushes what is queued, then stops. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#queue.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (true) {
      await this.#queue.arrival();
      if (this.#queue.length === 0 && this.#draining) break;
      if (this.#queue.length < INGEST_LIMITS.flushClaimsMax && !this.#draining) {
        await sleep(this.#parts.windowMs);
      }
      const claims = this.#queue.take();
      this.#parts.meter.queued(this.#queue.length);
      const raises = await this.#prepare(claims);
      await this.#writing;
      if (raises.length > 0) this.#writing = this.#parts.writer.write(raises);
    }
    await this.#writing;
  }

  /** Decides each channel's contest; answers whoever lost, returns what is to be written. */
  async #prepare(claims: Map<Channel, QueuedClaim[]>): Promise<Raise[]> {
    const contests = [...claims].flatMap(([channel, group]) => {
      const standing = this.#stillStanding(channel, group);
      return standing.length > 0 ? [new Contest(channel, standing)] : [];
    });
    await this.#decide(contests);
    const raises: Raise[] = [];
    for (const contest of contests) {
      for (const claim of contest.failed) settle(claim, proofRefusal(claim));
      for (const claim of contest.untried()) settle(claim, untriedRefusal());
      if (contest.winner === undefined) continue;
      const raise = { winner: contest.winner, answered: contest.answered() };
      this.#parts.writer.announce(raise);
      raises.push(raise);
    }
    return raises;
  }

  // What changed while the claims waited: an earlier flush, a closing, marks that stay away.
  #stillStanding(channel: Channel, group: QueuedClaim[]): QueuedClaim[] {
    const nowMs = this.#parts.clock.nowMs();
    const fresh = this.#parts.directory.isFresh(channel.partition, nowMs);
    return group.filter((claim) => {
      if (!fresh) settle(claim, staleRefusal());
      else {
        const refusal = noLongerStands(claim, nowMs);
        if (refusal !== undefined) settle(claim, refusal);
        else return !this.#parts.writer.join(claim);
      }
      return false;
    });
  }

  async #decide(contests: readonly Contest<QueuedClaim>[]): Promise<void> {
    let open = contests;
    while (open.length > 0) {
      const nowMs = this.#parts.clock.nowMs();
      const round = open.flatMap((contest) => {
        const claim = contest.candidate(({ sender }) => !sender.isSpent(nowMs));
        return claim === undefined ? [] : [{ contest, claim }];
      });
      const holds = await this.#parts.verifier.verify(round.map(({ claim }) => claim));
      round.forEach(({ contest, claim }, at) => {
        const holding = holds[at] === true;
        if (!holding) claim.sender.charge(proofCost(claim), this.#parts.clock.nowMs());
        contest.settle(claim, holding);
      });
      open = round.map(({ contest }) => contest).filter(({ winner }) => winner === undefined);
    }
  }
}

/** Answers one claim. */
export function settle(claim: QueuedClaim, outcome: Outcome): void {
  claim.submission.settle(claim.at, outcome);
}

/** What is said while we cannot know whether a channel is closing. */
export function staleRefusal() {
  return refuse('UNAVAILABLE', 'news of channels is late; nothing was accepted, send it again');
}

function untriedRefusal() {
  return refuse('OVERLOADED', 'not checked after failed payments of this sender; send it again');
}
