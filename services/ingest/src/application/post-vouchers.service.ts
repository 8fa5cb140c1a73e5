import { setTimeout as sleep } from 'node:timers/promises';
import { accept, partitionOf, type Reason, type Result, refuse } from '#libs/domain';
import type { Channel } from '../domain/channel.js';
import type { Outcome } from '../domain/claim.js';
import type { FailureBudget } from '../domain/failure-budget.js';
import type { Ladder } from '../domain/ladder.js';
import { TICK_LADDER, type TickMessage } from '../domain/tick.ladder.js';
import { VOUCHER_LADDER, type VoucherMessage } from '../domain/voucher.ladder.js';
import type { Admission } from './admission.js';
import { type ChannelDirectory, channelKey } from './channel-directory.js';
import type { ChannelLookup } from './channel-lookup.js';
import type { FlushWriter } from './flush-writer.js';
import { type Flusher, staleRefusal } from './flusher.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter } from './ports.js';
import type { Senders } from './senders.js';
import { Submission } from './submission.js';

/** The payments of one request. */
export type Payments = {
  readonly vouchers: readonly VoucherMessage[];
  readonly ticks: readonly TickMessage[];
};

type Post = { readonly submission: Submission; readonly sender: FailureBudget };

/** What {@link PostVouchersService} is made of. */
export type PostVouchersParts = {
  readonly admission: Admission;
  readonly senders: Senders;
  readonly directory: ChannelDirectory;
  readonly lookup: ChannelLookup;
  readonly flusher: Flusher;
  readonly writer: FlushWriter;
  readonly clock: Clock;
  readonly meter: IngestMeter;
};

/** Takes payments up the ladder as far as it goes without a proof, and waits for their flush. */
export class PostVouchersService {
  readonly #parts: PostVouchersParts;
  readonly #lookups = new Set<Promise<void>>();

  constructor(parts: PostVouchersParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with an outcome per payment, vouchers first, within ten seconds. Refuses as a whole with
   * MALFORMED (nothing in it), LIMIT_EXCEEDED, OVERLOADED (too much in flight, or too many failures
   * of this connection) or UNAVAILABLE (stopping, or the log does not answer).
   */
  async post(payments: Payments, connection: string): Promise<Result<Outcome[]>> {
    const { admission, senders, meter } = this.#parts;
    const items = payments.vouchers.length + payments.ticks.length;
    const bytes = bytesOf(payments);
    const sender = senders.budgetOf(connection);
    const refusal = admission.refusal(items, bytes) ?? this.#refusal(sender);
    if (refusal !== undefined) {
      if (payments.vouchers.length > 0) {
        meter.refused('voucher', refusal.reason, payments.vouchers.length);
      }
      if (payments.ticks.length > 0) meter.refused('tick', refusal.reason, payments.ticks.length);
      return refusal;
    }
    const post = { submission: new Submission(items), sender };
    admission.enter(items, bytes);
    const deadline = setTimeout(() => this.#expire(post.submission), INGEST_LIMITS.answerWithinMs);
    try {
      const first = payments.vouchers.length;
      this.#climbAll(VOUCHER_LADDER, payments.vouchers, post, 0);
      this.#climbAll(TICK_LADDER, payments.ticks, post, first);
      const outcomes = await post.submission.answered;
      this.#count('voucher', outcomes.slice(0, first));
      this.#count('tick', outcomes.slice(first));
      return accept(outcomes);
    } finally {
      clearTimeout(deadline);
      admission.leave(items, bytes);
    }
  }

  /** Lets nothing more in, flushes what is inside and resolves when all of it is answered. */
  async drain(withinMs: number): Promise<void> {
    this.#parts.admission.close();
    const flushed = Promise.all(this.#lookups).then(() => this.#parts.flusher.drain());
    await Promise.race([flushed, sleep(withinMs, undefined, { ref: false })]);
  }

  #refusal(sender: FailureBudget) {
    const nowMs = this.#parts.clock.nowMs();
    if (sender.isSpent(nowMs)) {
      return refuse(
        'OVERLOADED',
        'too many failed payments on this connection; wait a few seconds',
      );
    }
    if (this.#parts.writer.isStalled(nowMs)) {
      return refuse('UNAVAILABLE', 'the voucher log does not answer; nothing was accepted');
    }
    return undefined;
  }

  #climbAll<M extends { readonly channelId: Uint8Array }>(
    ladder: Ladder<M>,
    messages: readonly M[],
    post: Post,
    first: number,
  ): void {
    const nowMs = this.#parts.clock.nowMs();
    messages.forEach((message, at) => {
      this.#climb(ladder, message, post, first + at, nowMs);
    });
  }

  #climb<M extends { readonly channelId: Uint8Array }>(
    ladder: Ladder<M>,
    message: M,
    post: Post,
    at: number,
    nowMs: bigint,
  ): void {
    const { directory, lookup } = this.#parts;
    const refusal = ladder.checkForm(message, nowMs) ?? this.#freshness(message.channelId, nowMs);
    if (refusal !== undefined) {
      post.submission.settle(at, refusal);
      return;
    }
    const channel = directory.get(channelKey(message.channelId));
    if (channel === undefined) {
      this.#await(lookup.find(message.channelId), ladder, message, post, at);
    } else if (ladder.mayBeBehind(message, channel)) {
      this.#await(lookup.refresh(message.channelId), ladder, message, post, at);
    } else this.#stand(ladder, message, channel, post, at);
  }

  // While marks are late nobody knows which channels are closing. This also keeps questions to the
  // books away while the view is still being read at the start.
  #freshness(channelId: Uint8Array, nowMs: bigint) {
    const { directory } = this.#parts;
    const isFresh = directory.isFresh(partitionOf(channelId, directory.partitions), nowMs);
    return isFresh ? undefined : staleRefusal();
  }

  /** The last rungs before the proof; what stands goes into the queue. */
  #stand<M extends { readonly channelId: Uint8Array }>(
    ladder: Ladder<M>,
    message: M,
    channel: Channel,
    post: Post,
    at: number,
  ): void {
    const refusal = ladder.checkStanding(message, channel, this.#parts.clock.nowMs());
    if (refusal !== undefined) post.submission.settle(at, refusal);
    else if (post.submission.isOpen(at)) {
      this.#parts.flusher.enqueue({ ...ladder.claim(message, channel), ...post, at });
    }
  }

  #await<M extends { readonly channelId: Uint8Array }>(
    found: Promise<Result<Channel>>,
    ladder: Ladder<M>,
    message: M,
    post: Post,
    at: number,
  ): void {
    const judged = found.then((result) => {
      const useless = !result.ok || ladder.mayBeBehind(message, result.value);
      // A question that brought nothing costs about what a signature check costs.
      if (useless) post.sender.charge(1, this.#parts.clock.nowMs());
      if (result.ok) this.#stand(ladder, message, result.value, post, at);
      else post.submission.settle(at, result);
    });
    this.#lookups.add(judged);
    void judged.finally(() => this.#lookups.delete(judged));
  }

  #expire(submission: Submission): void {
    submission.expire();
    this.#parts.flusher.dropAnswered();
  }

  #count(kind: 'voucher' | 'tick', outcomes: readonly Outcome[]): void {
    const refused = new Map<Reason, number>();
    let accepted = 0;
    for (const outcome of outcomes) {
      if (outcome.ok) accepted++;
      else refused.set(outcome.reason, (refused.get(outcome.reason) ?? 0) + 1);
    }
    if (accepted > 0) this.#parts.meter.accepted(kind, accepted);
    for (const [reason, count] of refused) this.#parts.meter.refused(kind, reason, count);
  }
}

const VOUCHER_FIXED_BYTES = 16;

function bytesOf({ vouchers, ticks }: Payments): number {
  let bytes = 0;
  for (const { channelId, payee, signature } of vouchers) {
    bytes += channelId.length + payee.length + signature.length + VOUCHER_FIXED_BYTES;
  }
  for (const { channelId, preimage } of ticks) bytes += channelId.length + preimage.length + 8;
  return bytes;
}
