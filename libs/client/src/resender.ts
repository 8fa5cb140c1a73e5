import type { ServiceError } from '@grpc/grpc-js';
import {
  judge,
  type LedgerError,
  LedgerRefusal,
  LedgerUnavailable,
  OutcomeUnknown,
} from './errors.js';
import { backoffMs, type CallPolicy } from './policy.js';

/** Something that is sent on a stream until it is answered. */
export type Resend = {
  /** When to give up, milliseconds since 1970. */
  readonly endMs: number;
  readonly reject: (error: LedgerError) => void;
  /** When it was last handed to a call; undefined while it waits to be. */
  sentAtMs: number | undefined;
  /** True once a call that carried it was lost, so that it may have taken effect. */
  doubtful: boolean;
};

/** What the owner of a {@link Resender} does for it. */
export type ResendHooks = {
  /** For messages, e.g. `StreamVouchers`. */
  readonly name: string;
  /** Opens a call if there is none and hands over what waits. */
  readonly pump: () => void;
  /** Cancels the present call, which leaves something without an answer for too long. */
  readonly drop: () => void;
  /** When the oldest unanswered question other than an entry went out on the present call. */
  readonly askedAtMs?: () => number | undefined;
};

const WATCH_EVERY_MS = 200;
/** A timer later than this means that this very process was busy, not the server. */
const WATCH_LATE_MS = 1_000;

/**
 * What a stream that mends itself owes an answer to: gives up what has waited too long, drops a call
 * that stalls, and has everything sent again on a new one after a growing pause.
 */
export class Resender<E extends Resend> {
  /** Unanswered ones, oldest first. */
  readonly #entries = new Set<E>();
  #attempt = 0;
  #reconnects = 0;
  #reopenTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;
  #watchedAtMs = 0;

  constructor(
    private readonly policy: CallPolicy,
    private readonly hooks: ResendHooks,
  ) {}

  /** How often the stream was opened again after a loss. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** True during the pause before a new call. */
  get pausing(): boolean {
    return this.#reopenTimer !== undefined;
  }

  /** Those that wait to be handed to a call, oldest first. */
  *waiting(): Generator<E> {
    for (const entry of this.#entries) if (entry.sentAtMs === undefined) yield entry;
  }

  add(entry: E): void {
    this.#entries.add(entry);
    this.#startWatch();
    this.hooks.pump();
  }

  /** Takes out an entry that got its answer, and with it the proof that the call works. */
  answered(entry: E): void {
    this.#attempt = 0;
    this.#forget(entry);
  }

  /** The call has ended, with an error or without: everything is sent again, or refused for good. */
  lost(error: ServiceError | undefined): void {
    const verdict = error === undefined ? undefined : judge(error);
    if (verdict?.kind === 'refused') {
      this.failAll(new LedgerRefusal(verdict.reason, verdict.detail));
    } else if (verdict?.kind === 'broken') {
      this.failAll(new LedgerUnavailable(`${this.hooks.name}: ${verdict.detail}`));
    } else {
      this.reopenLater(verdict?.unchanged ?? false);
    }
  }

  /** Has a new call opened after a pause. `unchanged`: the last one has certainly had no effect. */
  reopenLater(unchanged: boolean): void {
    for (const entry of this.#entries) {
      if (entry.sentAtMs !== undefined && !unchanged) entry.doubtful = true;
      entry.sentAtMs = undefined;
    }
    if (this.#entries.size === 0 || this.#reopenTimer !== undefined) return;
    this.#attempt += 1;
    this.#reopenTimer = setTimeout(
      () => {
        this.#reopenTimer = undefined;
        if (this.#entries.size === 0) return;
        this.#reconnects += 1;
        this.hooks.pump();
      },
      backoffMs(this.policy, this.#attempt, Math.random()),
    );
  }

  failAll(error: LedgerError): void {
    for (const entry of this.#entries) {
      entry.reject(error);
      this.#forget(entry);
    }
  }

  /** Stops all timers. */
  stop(): void {
    clearTimeout(this.#reopenTimer);
    clearInterval(this.#watchTimer);
    this.#watchTimer = undefined;
  }

  #startWatch(): void {
    if (this.#watchTimer !== undefined) return;
    this.#watchedAtMs = Date.now();
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_EVERY_MS);
  }

  // Gives up entries whose time is over, and a call that leaves its oldest one without an answer.
  #watch(): void {
    const nowMs = Date.now();
    // Answers may have come while this process was too busy to read them: read them first.
    const late = nowMs - this.#watchedAtMs > WATCH_LATE_MS;
    this.#watchedAtMs = nowMs;
    if (late) return;
    let stalled = nowMs - (this.hooks.askedAtMs?.() ?? nowMs) > this.policy.deadlineMs;
    for (const entry of this.#entries) {
      if (nowMs >= entry.endMs) {
        const text = `${this.hooks.name}: no answer in ${this.policy.retryForMs} ms`;
        const sent = entry.doubtful || entry.sentAtMs !== undefined;
        entry.reject(sent ? new OutcomeUnknown(text) : new LedgerUnavailable(text));
        this.#forget(entry);
      } else if (entry.sentAtMs !== undefined) {
        stalled ||= nowMs - entry.sentAtMs > this.policy.deadlineMs;
      }
    }
    if (!stalled) return;
    this.hooks.drop();
    this.reopenLater(false);
  }

  #forget(entry: E): void {
    this.#entries.delete(entry);
    if (this.#entries.size > 0) return;
    clearInterval(this.#watchTimer);
    this.#watchTimer = undefined;
  }
}
