import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import type { StreamVouchersRequest, StreamVouchersResponse } from '#libs/contracts';
import { judge, LedgerError, LedgerRefusal, LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { type PaymentResults, type Payments, resultsFromWire } from './outcomes.js';
import { backoffMs, type CallPolicy } from './policy.js';
import { batchOf, postUntilSettled } from './settle.js';

/** Bounds of one stream. */
export type StreamSettings = {
  /** Batches sent and not yet answered; {@link VoucherStream.send} waits beyond it. */
  readonly inFlightMax?: number;
};

type Call = ClientDuplexStream<StreamVouchersRequest, StreamVouchersResponse>;

type Entry = {
  readonly payments: Payments;
  readonly request: StreamVouchersRequest;
  readonly endMs: number;
  readonly resolve: (results: PaymentResults) => void;
  readonly reject: (error: LedgerError) => void;
  /** When it was last handed to a call; undefined while it waits to be. */
  sentAtMs: number | undefined;
  /** True once a call that carried it was lost, so that it may have taken effect. */
  doubtful: boolean;
};

const WATCH_EVERY_MS = 200;
/** A timer later than this means that this very process was busy, not the server. */
const WATCH_LATE_MS = 1_000;

/**
 * A stream of payments that mends itself. Each batch travels under a sequence number and is answered
 * under the same one, in any order. When the connection is lost, or the oldest batch gets no answer
 * within the policy's deadline, a new call is opened and every unanswered batch is sent again, which
 * is safe since a voucher claims a cumulative amount.
 */
export class VoucherStream {
  readonly #open: () => Call;
  readonly #policy: CallPolicy;
  readonly #inFlightMax: number;
  /** Unanswered batches by sequence, oldest first. */
  readonly #entries = new Map<bigint, Entry>();
  readonly #waiters: (() => void)[] = [];
  #inFlight = 0;
  #sequence = 0n;
  #call: Call | undefined;
  #blocked = false;
  #attempt = 0;
  #reopenTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;
  #watchedAtMs = 0;
  #closed = false;
  #reconnects = 0;

  constructor(open: () => Call, policy: CallPolicy, settings: StreamSettings) {
    this.#open = open;
    this.#policy = policy;
    this.#inFlightMax = settings.inFlightMax ?? 16;
  }

  /** How often the stream was opened again after a loss. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /**
   * Sends a batch and returns what became of each payment. Waits while too many batches are in
   * flight. Rejects with LedgerRefusal when the stream itself is refused, and after the policy's
   * time with LedgerUnavailable or OutcomeUnknown.
   */
  async send(payments: Payments): Promise<PaymentResults> {
    if (this.#closed) throw new LedgerUnavailable('the stream is closed');
    while (this.#inFlight >= this.#inFlightMax) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    this.#inFlight += 1;
    try {
      return await postUntilSettled(this.#policy, payments, (rest, endMs) =>
        this.#post(rest, endMs),
      );
    } finally {
      this.#inFlight -= 1;
      this.#waiters.shift()?.();
    }
  }

  /** Takes no more batches, waits for the answers to those sent, and ends the call. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    clearTimeout(this.#reopenTimer);
    clearInterval(this.#watchTimer);
    for (const wake of this.#waiters.splice(0)) wake();
    this.#call?.end();
    this.#call = undefined;
  }

  #post(payments: Payments, endMs: number): Promise<PaymentResults> {
    return new Promise((resolve, reject) => {
      this.#sequence += 1n;
      const request = { sequence: this.#sequence, batch: batchOf(payments) };
      const entry = { payments, request, endMs, resolve, reject, sentAtMs: undefined };
      this.#entries.set(request.sequence, { ...entry, doubtful: false });
      this.#startWatch();
      this.#pump();
    });
  }

  // Hands waiting batches to the call until its buffer is full; 'drain' goes on.
  #pump(): void {
    if (this.#call === undefined && this.#reopenTimer === undefined) this.#connect();
    for (const entry of this.#entries.values()) {
      if (this.#call === undefined || this.#blocked) return;
      if (entry.sentAtMs !== undefined) continue;
      entry.sentAtMs = Date.now();
      this.#blocked = !this.#call.write(entry.request);
    }
  }

  #connect(): void {
    let call: Call;
    try {
      call = this.#open();
    } catch (cause) {
      this.#failAll(new LedgerUnavailable(`StreamVouchers: ${String(cause)}`, { cause }));
      return;
    }
    this.#call = call;
    this.#blocked = false;
    call.on('data', (answer: StreamVouchersResponse) => this.#answered(answer));
    call.on('drain', () => {
      if (call !== this.#call) return;
      this.#blocked = false;
      this.#pump();
    });
    call.on('error', (error: ServiceError) => this.#lost(call, error));
    call.on('end', () => this.#lost(call, undefined));
  }

  #answered(answer: StreamVouchersResponse): void {
    const entry = this.#entries.get(answer.sequence);
    if (entry === undefined) return; // The answer to a first sending, after one to the second.
    this.#attempt = 0;
    try {
      entry.resolve(resultsFromWire(entry.payments, answer.outcomes));
    } catch (cause) {
      entry.reject(new OutcomeUnknown(`StreamVouchers: ${String(cause)}`, { cause }));
    }
    this.#forget(answer.sequence);
  }

  #lost(call: Call, error: ServiceError | undefined): void {
    if (call !== this.#call) return;
    this.#call = undefined;
    const verdict = error === undefined ? undefined : judge(error);
    if (verdict?.kind === 'refused') {
      this.#failAll(new LedgerRefusal(verdict.reason, verdict.detail));
    } else if (verdict?.kind === 'broken') {
      this.#failAll(new LedgerUnavailable(`StreamVouchers: ${verdict.detail}`));
    } else {
      this.#reopenLater(verdict?.unchanged ?? false);
    }
  }

  #reopenLater(unchanged: boolean): void {
    for (const entry of this.#entries.values()) {
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
        this.#pump();
      },
      backoffMs(this.#policy, this.#attempt, Math.random()),
    );
  }

  #startWatch(): void {
    if (this.#watchTimer !== undefined) return;
    this.#watchedAtMs = Date.now();
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_EVERY_MS);
  }

  // Gives up batches whose time is over, and a call that leaves its oldest batch without an answer.
  #watch(): void {
    const nowMs = Date.now();
    // Answers may have come while this process was too busy to read them: read them first.
    const late = nowMs - this.#watchedAtMs > WATCH_LATE_MS;
    this.#watchedAtMs = nowMs;
    if (late) return;
    let stalled = false;
    for (const [sequence, entry] of this.#entries) {
      if (nowMs >= entry.endMs) {
        const text = `StreamVouchers: no answer to a batch in ${this.#policy.retryForMs} ms`;
        const sent = entry.doubtful || entry.sentAtMs !== undefined;
        entry.reject(sent ? new OutcomeUnknown(text) : new LedgerUnavailable(text));
        this.#forget(sequence);
      } else if (entry.sentAtMs !== undefined) {
        stalled ||= nowMs - entry.sentAtMs > this.#policy.deadlineMs;
      }
    }
    const call = this.#call;
    if (!stalled || call === undefined) return;
    this.#call = undefined;
    call.cancel();
    this.#reopenLater(false);
  }

  #forget(sequence: bigint): void {
    this.#entries.delete(sequence);
    if (this.#entries.size > 0) return;
    clearInterval(this.#watchTimer);
    this.#watchTimer = undefined;
  }

  #failAll(error: LedgerError): void {
    for (const [sequence, entry] of this.#entries) {
      entry.reject(error);
      this.#forget(sequence);
    }
  }
}
