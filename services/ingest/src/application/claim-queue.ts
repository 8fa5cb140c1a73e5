import type { Channel } from '../domain/channel.js';
import { INGEST_LIMITS } from './limits.js';
import type { QueuedClaim } from './submission.js';

/** Claims in order of arrival. Its bound is the admission's: nothing enters that was not admitted. */
export class ClaimQueue {
  #claims: QueuedClaim[] = [];
  #head = 0;
  #closed = false;
  #arrived: (() => void) | undefined;

  get length(): number {
    return this.#claims.length - this.#head;
  }

  push(claim: QueuedClaim): void {
    this.#claims.push(claim);
    this.#arrived?.();
  }

  /** Resolves when there is a claim; at once when the queue is closed. */
  async arrival(): Promise<void> {
    if (this.length > 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    this.#arrived = undefined;
  }

  /** Says that nothing more will come. */
  close(): void {
    this.#closed = true;
    this.#arrived?.();
  }

  /** Takes the claims of one flush, by channel; those answered meanwhile are dropped. */
  take(): Map<Channel, QueuedClaim[]> {
    const byChannel = new Map<Channel, QueuedClaim[]>();
    let taken = 0;
    while (this.length > 0 && taken < INGEST_LIMITS.flushClaimsMax) {
      const claim = this.#claims[this.#head] as QueuedClaim;
      const group = byChannel.get(claim.channel);
      if (group === undefined && byChannel.size >= INGEST_LIMITS.flushChannelsMax) break;
      this.#head++;
      if (!claim.submission.isOpen(claim.at)) continue;
      claim.submission.take(claim.at);
      taken++;
      if (group === undefined) byChannel.set(claim.channel, [claim]);
      else group.push(claim);
    }
    this.#compact();
    return byChannel;
  }

  /** Lets go of answered claims at the head; deadlines pass in order of arrival. */
  dropAnswered(): void {
    while (this.length > 0) {
      const claim = this.#claims[this.#head] as QueuedClaim;
      if (claim.submission.isOpen(claim.at)) break;
      this.#head++;
    }
    this.#compact();
  }

  // Moving the rest down only when at least half is gone keeps the cost per claim constant.
  #compact(): void {
    if (this.#head * 2 < this.#claims.length) return;
    this.#claims = this.#claims.slice(this.#head);
    this.#head = 0;
  }
}
