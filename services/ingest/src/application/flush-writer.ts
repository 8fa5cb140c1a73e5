import type { LogEntry } from '#libs/contracts';
import { refuse } from '#libs/domain';
import type { Logger } from '#libs/observability';
import {
  advanceTick,
  type Channel,
  notAccepting,
  raise as raiseChannel,
} from '../domain/channel.js';
import type { Outcome } from '../domain/claim.js';
import type { ChannelDirectory } from './channel-directory.js';
import { INGEST_LIMITS } from './limits.js';
import type { Clock, IngestMeter, VoucherLog } from './ports.js';
import type { QueuedClaim } from './submission.js';

/** A channel about to be raised: the claim that is logged, and all claims that its outcome answers. */
export type Raise = { readonly winner: QueuedClaim; readonly answered: QueuedClaim[] };

/** Writes flushes to the log, one at a time, and answers their claims. */
export class FlushWriter {
  /** Verified and not yet durable, by channel: the highest only. */
  readonly #pending = new Map<Channel, Raise>();
  #startedMs: bigint | undefined;

  constructor(
    private readonly directory: ChannelDirectory,
    private readonly log: VoucherLog,
    private readonly clock: Clock,
    private readonly meter: IngestMeter,
    private readonly logger: Logger,
  ) {}

  /** True while a write has taken longer than a request may wait. */
  isStalled(nowMs: bigint): boolean {
    const started = this.#startedMs;
    return started !== undefined && nowMs - started > BigInt(INGEST_LIMITS.answerWithinMs);
  }

  /** Lets later claims of the channel join this raise. */
  announce(raise: Raise): void {
    this.#pending.set(raise.winner.channel, raise);
  }

  /**
   * Joins a claim to a pending raise of its channel that is at least as high: it shares its fate.
   * False when there is none. What is pending is never taken for durable: if the write fails, the
   * claim is answered so, and counts again when it is sent again.
   */
  join(claim: QueuedClaim): boolean {
    const pending = this.#pending.get(claim.channel);
    if (pending === undefined || pending.winner.cumulativeUnits < claim.cumulativeUnits)
      return false;
    pending.answered.push(claim);
    return true;
  }

  /** Never rejects: every claim gets its outcome. */
  async write(raises: readonly Raise[]): Promise<void> {
    const due = raises.filter((raise) => this.#isDue(raise));
    if (due.length === 0) return;
    const records = new Map<number, LogEntry[]>();
    for (const { winner } of due) {
      const entries = records.get(winner.channel.partition);
      if (entries === undefined) records.set(winner.channel.partition, [entryOf(winner)]);
      else entries.push(entryOf(winner));
    }
    const startedMs = this.clock.nowMs();
    this.#startedMs = startedMs;
    try {
      const offsets = await this.log.append(records);
      this.meter.produced(Number(this.clock.nowMs() - startedMs) / 1000);
      this.meter.flushed(countClaims(due), due.length);
      for (const raise of due) this.#acknowledge(raise, offsets);
    } catch (error) {
      this.logger.warn({ err: error, channels: due.length }, 'a write to the voucher log failed');
      for (const raise of due) this.#answer(raise, outcomeUnknown('the log did not confirm it'));
    } finally {
      this.#startedMs = undefined;
    }
  }

  // The last look before the write. Claims whose deadline passed meanwhile are no reason to write.
  #isDue(raise: Raise): boolean {
    const { channel } = raise.winner;
    const nowMs = this.clock.nowMs();
    if (!this.directory.isFresh(channel.partition, nowMs)) {
      this.#answer(raise, refuse('UNAVAILABLE', 'news of channels is late; send it again'));
      return false;
    }
    const closed = notAccepting(channel, nowMs);
    if (closed !== undefined) this.#answer(raise, closed);
    else if (raise.answered.some(({ submission, at }) => submission.isOpen(at))) return true;
    else this.#answer(raise, outcomeUnknown('its deadline passed'));
    return false;
  }

  /**
   * The record is durable, so the channel owes the amount unless a `finalize` stands before it. That
   * is ruled out only while news of closings is fresh; else nobody is told "accepted". Raising the
   * channel is right in either case: SUPERSEDED too is said under fresh news only, and the same
   * reasoning then covers the record written earlier.
   */
  #acknowledge(raise: Raise, offsets: ReadonlyMap<number, bigint>): void {
    const { channel, cumulativeUnits, kind, detail, proof } = raise.winner;
    const offset = offsets.get(channel.partition);
    if (offset === undefined) {
      this.#answer(raise, outcomeUnknown('the log named no offset'));
      return;
    }
    raiseChannel(channel, cumulativeUnits);
    if (kind === 'tick') advanceTick(channel, detail, proof);
    const nowMs = this.clock.nowMs();
    const sure =
      this.directory.isFresh(channel.partition, nowMs) &&
      notAccepting(channel, nowMs) === undefined;
    this.#answer(
      raise,
      sure
        ? { ok: true, acceptedUnits: cumulativeUnits, partition: channel.partition, offset }
        : outcomeUnknown('the channel may have closed meanwhile'),
    );
  }

  #answer(raise: Raise, outcome: Outcome): void {
    const { channel } = raise.winner;
    if (this.#pending.get(channel) === raise) this.#pending.delete(channel);
    for (const { submission, at } of raise.answered) submission.settle(at, outcome);
  }
}

function entryOf(claim: QueuedClaim): LogEntry {
  return {
    kind: claim.kind,
    channelNo: claim.channel.channelNo,
    cumulativeUnits: claim.cumulativeUnits,
    detail: claim.detail,
    proof: claim.proof,
  };
}

function countClaims(raises: readonly Raise[]): number {
  return raises.reduce((sum, { answered }) => sum + answered.length, 0);
}

function outcomeUnknown(why: string) {
  return refuse('OUTCOME_UNKNOWN', `${why}; sending it again is safe`);
}
