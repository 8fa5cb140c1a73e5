import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  PackedFormatError,
  type StreamPackedRequest,
  type StreamPackedResponse,
} from '#libs/contracts';
import { LIMITS, type Refusal, refuse, type Units } from '#libs/domain';
import { toBuffer } from './bytes.js';
import { judge, LedgerUnavailable } from './errors.js';
import type { PaymentOutcome, PaymentResults, Payments } from './outcomes.js';
import { channelKey, PackedCall } from './packed.call.js';
import { packedBytes, resultsOf } from './packed.codec.js';
import type { CallPolicy } from './policy.js';
import { type Resend, Resender } from './resender.js';
import { postUntilSettled } from './settle.js';

/** Bounds of one packed stream; {@link PackedStream.send} waits beyond them. */
export type PackedStreamSettings = {
  /** Batches sent and not yet answered. */
  readonly inFlightMax?: number;
  /** Their packed bytes together. */
  readonly bytesInFlightMax?: number;
  /** Channels paid on one call; at most what the ledger allows, which is the default. */
  readonly handlesMax?: number;
};

/** A channel that can be paid on the stream, and what the ledger has accepted on it so far. */
export type OpenedChannel = {
  readonly channelId: Buffer;
  readonly acceptedUnits: Units;
  readonly tickIndex: bigint;
};

/** Opens a call with the session's metadata; `fresh` after the server turned the last one down. */
export type OpenPackedCall = (
  fresh: boolean,
) => ClientDuplexStream<StreamPackedRequest, StreamPackedResponse>;

type Call = {
  readonly grpc: ReturnType<OpenPackedCall>;
  readonly state: PackedCall<Entry>;
  blocked: boolean;
};

type Entry = Resend & {
  /** Channels that need a handle first. */
  readonly channels: ReadonlyMap<string, Buffer>;
  /** Those of them that cannot get one. */
  readonly unopened: Map<string, Refusal>;
  /** Called once every channel has a handle or a refusal; returns what is to be sent, if anything. */
  readonly make: (state: PackedCall<Entry>) => StreamPackedRequest | undefined;
  readonly answer: (outcomes: readonly PaymentOutcome[]) => void;
};

/**
 * A packed stream that mends itself: for senders of many payments. It takes the same payments as
 * {@link VoucherStream} and gives the same results; beneath, channels get handles when first paid and
 * payments travel as fixed-size records, acknowledged a flush at a time. After a loss every
 * unanswered batch is sent again on a new call, with new handles: a payment claims a cumulative amount,
 * so the ledger answers a repeat with SUPERSEDED and what it has (see `owedAtLeast`).
 */
export class PackedStream {
  readonly #open: OpenPackedCall;
  readonly #policy: CallPolicy;
  readonly #inFlightMax: number;
  readonly #bytesInFlightMax: number;
  readonly #handlesMax: number;
  readonly #resender: Resender<Entry>;
  readonly #waiters: (() => void)[] = [];
  #inFlight = 0;
  #bytesInFlight = 0;
  #call: Call | undefined;
  #freshSession = false;
  #closed = false;

  constructor(open: OpenPackedCall, policy: CallPolicy, settings: PackedStreamSettings = {}) {
    this.#open = open;
    this.#policy = policy;
    this.#inFlightMax = settings.inFlightMax ?? 64;
    this.#bytesInFlightMax = settings.bytesInFlightMax ?? 4 * 1024 * 1024;
    this.#handlesMax = settings.handlesMax ?? LIMITS.handlesPerStreamMax;
    this.#resender = new Resender<Entry>(policy, {
      name: 'StreamPacked',
      pump: () => this.#pump(),
      drop: () => this.#drop(),
      askedAtMs: () => this.#call?.state.askedAtMs,
    });
  }

  /** How often the stream was opened again after a loss. */
  get reconnects(): number {
    return this.#resender.reconnects;
  }

  /**
   * Gives channels handles before they are paid, and tells what the ledger has accepted on each: where a
   * sender goes on after a restart. Not needed before {@link send}, which does it by itself.
   */
  open(channelIds: readonly Uint8Array[]): Promise<readonly (OpenedChannel | Refusal)[]> {
    const ids = channelIds.map(toBuffer);
    return this.#queued(0, () =>
      this.#post(ids, Date.now() + this.#policy.retryForMs, (settle, unopened) => ({
        make: (state) => {
          const opened = ids.map((channelId) => {
            const handle = state.handle(channelKey(channelId));
            if (handle === undefined) return unopenedOf(channelId, unopened);
            const { acceptedUnits, tickIndex } = handle;
            return { channelId, acceptedUnits, tickIndex };
          });
          settle(opened);
          return undefined;
        },
        answer: () => {},
      })),
    );
  }

  /**
   * Sends a batch and returns what became of each payment, repeating what was refused for now. Waits
   * while too much is in flight. Rejects with LedgerRefusal when the stream itself is refused, and
   * after the policy's time with LedgerUnavailable or OutcomeUnknown.
   */
  send(payments: Payments): Promise<PaymentResults> {
    return this.#queued(packedBytes(payments), () =>
      postUntilSettled(this.#policy, payments, (rest, endMs) => this.#pay(rest, endMs)),
    );
  }

  /** Takes no more batches, waits for the answers to those sent, and ends the call. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#inFlight > 0) await this.#turn();
    this.#resender.stop();
    for (const wake of this.#waiters.splice(0)) wake();
    this.#call?.grpc.end();
    this.#call = undefined;
  }

  async #queued<T>(bytes: number, task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LedgerUnavailable('the stream is closed');
    // A batch larger than the bound goes alone.
    while (
      this.#inFlight >= this.#inFlightMax ||
      (this.#inFlight > 0 && this.#bytesInFlight + bytes > this.#bytesInFlightMax)
    ) {
      await this.#turn();
    }
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    try {
      return await task();
    } finally {
      this.#inFlight -= 1;
      this.#bytesInFlight -= bytes;
      for (const wake of this.#waiters.splice(0)) wake();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #pay(payments: Payments, endMs: number): Promise<PaymentResults> {
    const { vouchers = [], ticks = [], bundles = [] } = payments;
    const entries = bundles.flatMap((bundle) => bundle.entries);
    const ids = [...vouchers, ...ticks, ...entries].map(({ channelId }) => channelId);
    return this.#post(ids, endMs, (settle, unopened, entry) => ({
      make: (state) => {
        const made = state.batch(entry(), payments, unopened);
        if ('content' in made) return made;
        settle(resultsOf(payments, made));
        return undefined;
      },
      answer: (outcomes) => settle(resultsOf(payments, outcomes)),
    }));
  }

  #post<T>(
    channelIds: readonly Buffer[],
    endMs: number,
    how: (
      settle: (value: T) => void,
      unopened: ReadonlyMap<string, Refusal>,
      entry: () => Entry,
    ) => Pick<Entry, 'make' | 'answer'>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const whole = channelIds.filter((id) => id.length === 32);
      const channels = new Map(whole.map((id) => [channelKey(id), id]));
      const unopened = new Map<string, Refusal>();
      const settle = (value: T) => {
        this.#resender.answered(entry);
        resolve(value);
      };
      const sending = { endMs, reject, sentAtMs: undefined, doubtful: false };
      const entry: Entry = {
        channels,
        unopened,
        ...sending,
        ...how(settle, unopened, () => entry),
      };
      this.#resender.add(entry);
    });
  }

  // Opens handles and hands over batches until the call's buffer is full; 'drain' goes on.
  #pump(): void {
    if (this.#call === undefined && !this.#resender.pausing) this.#connect();
    for (const entry of this.#resender.waiting()) {
      const call = this.#call;
      if (call === undefined || call.blocked) return;
      if (!this.#isReady(call, entry)) continue;
      const request = entry.make(call.state);
      if (request === undefined) continue;
      entry.sentAtMs = Date.now();
      this.#write(call, request);
    }
  }

  // True once every channel of the entry has a handle or a refusal; asks for those that have neither.
  #isReady(call: Call, entry: Entry): boolean {
    const missing: Buffer[] = [];
    let open = 0;
    for (const [key, channelId] of entry.channels) {
      const handle = call.state.handle(key);
      if (handle?.isOpen || entry.unopened.has(key)) open += 1;
      else if (handle === undefined) missing.push(channelId);
    }
    const room = Math.max(0, call.state.room);
    if (missing.length > room && !this.#isFull(call)) return false;
    for (const channelId of missing.splice(room)) {
      const text = `a stream pays at most ${this.#handlesMax} channels: open another one`;
      entry.unopened.set(channelKey(channelId), refuse('LIMIT_EXCEEDED', text));
      open += 1;
    }
    for (let at = 0; at < missing.length; at += LIMITS.handlesPerOpenMax) {
      const ids = missing.slice(at, at + LIMITS.handlesPerOpenMax);
      this.#write(call, call.state.open(ids, Date.now()));
    }
    return open === entry.channels.size;
  }

  // True when channels have all numbers of a call without room. Otherwise what waits is looked at again,
  // once the rest is answered or on a new call: refused handles use numbers up for good.
  #isFull(call: Call): boolean {
    if (call.state.askedAtMs !== undefined) return false;
    if (call.state.wasted === 0) return true;
    this.#renew();
    return false;
  }

  #write(call: Call, request: StreamPackedRequest): void {
    call.blocked = !call.grpc.write(request);
  }

  #connect(): void {
    let grpc: Call['grpc'];
    try {
      grpc = this.#open(this.#freshSession);
    } catch (cause) {
      this.#resender.failAll(new LedgerUnavailable(`StreamPacked: ${String(cause)}`, { cause }));
      return;
    }
    const call: Call = { grpc, state: new PackedCall(this.#handlesMax), blocked: false };
    this.#call = call;
    grpc.on('data', (answer: StreamPackedResponse) => this.#answered(call, answer));
    grpc.on('drain', () => {
      call.blocked = false;
      if (call === this.#call) this.#pump();
    });
    grpc.on('error', (error: ServiceError) => this.#lost(call, error));
    grpc.on('end', () => this.#lost(call, undefined));
  }

  #answered(call: Call, { content }: StreamPackedResponse): void {
    // Handles and sequences of a call that was given up mean nothing any more.
    if (call !== this.#call) return;
    this.#freshSession = false;
    try {
      if (content?.$case === 'opened') {
        const refused = call.state.opened(content.value);
        if (refused.size > 0) this.#tell(refused);
        this.#pump();
      } else if (content?.$case === 'ack') {
        for (const { entry, outcomes } of call.state.acked(content.value)) entry.answer(outcomes);
      }
    } catch (error) {
      if (!(error instanceof PackedFormatError)) throw error;
      // Nothing that such a server says can be trusted: begin anew, for as long as the policy allows.
      this.#renew();
    }
  }

  #tell(refused: ReadonlyMap<string, Refusal>): void {
    for (const entry of this.#resender.waiting()) {
      for (const [key, refusal] of refused) {
        if (entry.channels.has(key)) entry.unopened.set(key, refusal);
      }
    }
  }

  #lost(call: Call, error: ServiceError | undefined): void {
    if (call !== this.#call) return;
    this.#call = undefined;
    const verdict = error === undefined ? undefined : judge(error);
    if (
      verdict?.kind === 'refused' &&
      verdict.reason === 'UNAUTHENTICATED' &&
      !this.#freshSession
    ) {
      this.#freshSession = true;
      this.#resender.reopenLater(true);
    } else {
      this.#resender.lost(error);
    }
  }

  #renew(): void {
    this.#drop();
    this.#resender.reopenLater(false);
  }

  #drop(): void {
    const call = this.#call;
    this.#call = undefined;
    call?.grpc.cancel();
  }
}

function unopenedOf(channelId: Uint8Array, unopened: ReadonlyMap<string, Refusal>): Refusal {
  if (channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
  const refusal = unopened.get(channelKey(channelId));
  return refusal ?? refuse('UNAVAILABLE', 'the channel has no handle');
}
