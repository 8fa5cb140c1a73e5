import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { PackedBatch, StreamPackedRequest, StreamPackedResponse } from '#libs/contracts';
import { type Refusal, refuse } from '#libs/domain';
import { grpcErrorOf, type SessionClaim, toGrpcError } from '#libs/grpc';
import type { Logger } from '#libs/observability';
import type { ChannelLookup } from '../application/channel-lookup.js';
import type { Flusher } from '../application/flusher.js';
import { INGEST_LIMITS } from '../application/limits.js';
import type { PaymentIntake } from '../application/payment-intake.js';
import type { Clock } from '../application/ports.js';
import type { RequestGate } from '../application/request-gate.js';
import type { Senders } from '../application/senders.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { spentRefusal } from '../domain/claim.js';
import type { Budget } from '../domain/failure-budget.js';
import { PackedAcks } from './packed-acks.js';
import { cutBatch, PackedReader } from './packed-batch.js';
import { PackedHandles } from './packed-handles.js';
import { PackedSubmission } from './packed-submission.js';

/** The raw call of StreamPacked. */
export type PackedCall = ServerDuplexStream<StreamPackedRequest, StreamPackedResponse>;

/** What a {@link PackedStream} uses. */
export type PackedStreamParts = {
  readonly gate: RequestGate;
  readonly senders: Senders;
  readonly table: ChannelTable;
  readonly lookup: ChannelLookup;
  readonly intake: PaymentIntake;
  readonly flusher: Flusher;
  readonly clock: Clock;
  readonly logger: Logger;
};

/**
 * One packed stream. It is not read while channels are being opened, while too much of it is in
 * flight or while the client does not take its answers, so that a fast sender waits in its own socket
 * and not in our memory. What breaks the protocol ends the stream, after all before it is answered.
 */
export class PackedStream {
  /** Resolves when the call has ended, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #sender: Budget;
  readonly #handles: PackedHandles;
  readonly #reader: PackedReader;
  readonly #acks = new PackedAcks();
  #batches = 0;
  #bytes = 0;
  #isOpening = false;
  #isWritable = true;
  #isTold = true;
  #isOver = false;
  /** How the stream ends once nothing is in flight; undefined while it goes on. */
  #ending: 'end' | Refusal | undefined;

  constructor(
    private readonly call: PackedCall,
    private readonly session: SessionClaim,
    private readonly parts: PackedStreamParts,
  ) {
    this.#sender = parts.senders.ofAccount(session.account, call.getPeer());
    this.#handles = new PackedHandles(parts.table, parts.lookup);
    this.#reader = new PackedReader(parts.intake, this.#handles);
    this.ended = new Promise((resolve) => {
      call.on('close', resolve);
      call.on('cancelled', resolve);
    });
    void this.ended.then(() => {
      this.#isOver = true;
      return this.#handles.release();
    });
    call.on('data', (request: StreamPackedRequest) => this.#take(request));
    call.on('end', () => this.#finish('end'));
    call.on('drain', () => {
      this.#isWritable = true;
      this.#proceed();
    });
    // A client that goes away is no error of ours; what it posted is flushed all the same.
    call.on('error', (error: Error) => {
      this.#isOver = true;
      parts.logger.debug({ err: error }, 'a stream broke');
    });
  }

  /** Reads no more; once all that was read is answered, the client is told to go elsewhere. */
  stop(): void {
    const why = 'this process is stopping; send unanswered batches again';
    this.#finish(refuse('UNAVAILABLE', why));
  }

  #take({ sequence, content }: StreamPackedRequest): void {
    if (this.#ending !== undefined || this.#isOver) return;
    try {
      if (this.session.validUntilMs < this.parts.clock.nowMs()) {
        this.#finish(refuse('UNAUTHENTICATED', 'the session is over; open a new stream'));
      } else if (content === undefined) {
        this.#finish(refuse('MALFORMED', `message ${sequence} has no content`));
      } else if (content.$case === 'open') void this.#open(sequence, content.value.channelIds);
      else this.#post(sequence, content.value);
    } catch (error) {
      this.#break(error);
    }
  }

  async #open(sequence: bigint, ids: Uint8Array): Promise<void> {
    const refusal = this.#handles.refusal(ids);
    if (refusal !== undefined) {
      this.#finish({ ...refusal, detail: `message ${sequence}: ${refusal.detail}` });
      return;
    }
    this.#isOpening = true;
    this.#proceed();
    try {
      const opened = this.#sender.isSpent(this.#nowMs())
        ? this.#handles.refuseAll(sequence, ids, spentRefusal())
        : await this.#handles.open(sequence, ids, (unknown) => this.#chargeUnknown(unknown));
      this.#write({ content: { $case: 'opened', value: opened } });
    } catch (error) {
      this.#break(error);
    }
    this.#isOpening = false;
    this.#proceed();
  }

  // A channel that the books do not know costs them about what a signature check costs here.
  #chargeUnknown(channels: number): void {
    this.#sender.charge(channels, this.#nowMs());
  }

  #post(sequence: bigint, batch: PackedBatch): void {
    const { gate, flusher } = this.parts;
    const cut = cutBatch(batch);
    if (!cut.ok) {
      this.#finish({ ...cut, detail: `message ${sequence}: ${cut.detail}` });
      return;
    }
    const { counts, items, bytes } = cut.value;
    const refusal = gate.refusal(items, bytes, this.#sender);
    this.#batches++;
    this.#bytes += bytes;
    const submission = new PackedSubmission(
      counts,
      this.#sender,
      sequence,
      this.#acks,
      () => this.#tell(),
      () => {
        leave();
        this.#batches--;
        this.#bytes -= bytes;
      },
    );
    const leave = gate.enter(submission, bytes);
    if (refusal !== undefined) submission.refuseAll(refusal);
    else this.#reader.read(batch, cut.value, submission, this.#nowMs());
    flusher.noteQueue();
    this.#proceed();
  }

  // Everything that one flush decides is settled in one go, so telling it afterwards makes one answer.
  #tell(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    queueMicrotask(() => {
      this.#isTold = true;
      for (const ack of this.#acks.take()) this.#write({ content: { $case: 'ack', value: ack } });
      this.#proceed();
    });
  }

  #write(response: StreamPackedResponse): void {
    if (this.#isOver || this.call.cancelled) return;
    this.#isWritable = this.call.write(response);
  }

  #finish(ending: 'end' | Refusal): void {
    // A client that is done may be told why it is turned away, and not the other way round.
    if (this.#ending === undefined || this.#ending === 'end') this.#ending = ending;
    this.#proceed();
  }

  #break(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.call.emit('error', grpcErrorOf(error, this.parts.logger));
  }

  #proceed(): void {
    if (this.#isOver) return;
    const isIdle = this.#batches === 0 && this.#acks.isEmpty && !this.#isOpening;
    if (this.#ending !== undefined && isIdle) {
      this.#isOver = true;
      if (this.#ending === 'end') this.call.end();
      else this.call.emit('error', toGrpcError(this.#ending));
    } else if (this.#mayRead()) this.call.resume();
    else this.call.pause();
  }

  #nowMs(): number {
    return Number(this.parts.clock.nowMs());
  }

  #mayRead(): boolean {
    return (
      this.#ending === undefined &&
      !this.#isOpening &&
      this.#isWritable &&
      this.#batches < INGEST_LIMITS.streamBatchesMax &&
      this.#bytes < INGEST_LIMITS.streamBytesMax
    );
  }
}
