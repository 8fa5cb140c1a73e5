import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import type { StreamVouchersRequest, StreamVouchersResponse } from '#libs/contracts';
import { LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { type PaymentResults, type Payments, resultsFromWire } from './outcomes.js';
import type { CallPolicy } from './policy.js';
import { type Resend, Resender } from './resender.js';
import { batchOf, postUntilSettled } from './settle.js';

/** Bounds of one stream. */
export type StreamSettings = {
  /** Batches sent and not yet answered; {@link VoucherStream.send} waits beyond it. */
  readonly inFlightMax?: number;
};

type Call = ClientDuplexStream<StreamVouchersRequest, StreamVouchersResponse>;

type Entry = Resend & {
  readonly payments: Payments;
  readonly request: StreamVouchersRequest;
  readonly resolve: (results: PaymentResults) => void;
};

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
  readonly #resender: Resender<Entry>;
  /** Unanswered batches by sequence. */
  readonly #entries = new Map<bigint, Entry>();
  readonly #waiters: (() => void)[] = [];
  #inFlight = 0;
  #sequence = 0n;
  #call: Call | undefined;
  #blocked = false;
  #closed = false;

  constructor(open: () => Call, policy: CallPolicy, settings: StreamSettings) {
    this.#open = open;
    this.#policy = policy;
    this.#inFlightMax = settings.inFlightMax ?? 16;
    this.#resender = new Resender(policy, {
      name: 'StreamVouchers',
      pump: () => this.#pump(),
      drop: () => this.#drop(),
    });
  }

  /** How often the stream was opened again after a loss. */
  get reconnects(): number {
    return this.#resender.reconnects;
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
    this.#resender.stop();
    for (const wake of this.#waiters.splice(0)) wake();
    this.#call?.end();
    this.#call = undefined;
  }

  #post(payments: Payments, endMs: number): Promise<PaymentResults> {
    this.#sequence += 1n;
    const sequence = this.#sequence;
    return new Promise<PaymentResults>((resolve, reject) => {
      const request = { sequence, batch: batchOf(payments) };
      const sending = { sentAtMs: undefined, doubtful: false };
      const entry: Entry = { payments, request, endMs, resolve, reject, ...sending };
      this.#entries.set(sequence, entry);
      this.#resender.add(entry);
    }).finally(() => this.#entries.delete(sequence));
  }

  // Hands waiting batches to the call until its buffer is full; 'drain' goes on.
  #pump(): void {
    if (this.#call === undefined && !this.#resender.pausing) this.#connect();
    for (const entry of this.#resender.waiting()) {
      if (this.#call === undefined || this.#blocked) return;
      entry.sentAtMs = Date.now();
      this.#blocked = !this.#call.write(entry.request);
    }
  }

  #connect(): void {
    let call: Call;
    try {
      call = this.#open();
    } catch (cause) {
      this.#resender.failAll(new LedgerUnavailable(`StreamVouchers: ${String(cause)}`, { cause }));
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
    this.#resender.answered(entry);
    try {
      entry.resolve(resultsFromWire(entry.payments, answer.outcomes));
    } catch (cause) {
      entry.reject(new OutcomeUnknown(`StreamVouchers: ${String(cause)}`, { cause }));
    }
  }

  #lost(call: Call, error: ServiceError | undefined): void {
    if (call !== this.#call) return;
    this.#call = undefined;
    this.#resender.lost(error);
  }

  #drop(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
  }
}
