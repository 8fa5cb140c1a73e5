import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { StreamVouchersRequest, StreamVouchersResponse } from '#libs/contracts';
import { type Refusal, refuse } from '#libs/domain';
import { grpcErrorOf, toGrpcError } from '#libs/grpc';
import type { Logger } from '#libs/observability';
import { INGEST_LIMITS } from '../application/limits.js';
import type { Clock } from '../application/ports.js';
import type { Payments, PostVouchersService } from '../application/post-vouchers.service.js';
import { outcomesToWire, refusalToWire } from './outcome.codec.js';
import type { Caller } from './sessions.js';

/** The raw call of StreamVouchers. */
export type VoucherCall = ServerDuplexStream<StreamVouchersRequest, StreamVouchersResponse>;

/** What a {@link VoucherStream} uses. */
export type VoucherStreamParts = {
  readonly service: PostVouchersService;
  readonly clock: Clock;
  readonly logger: Logger;
};

const NOTHING: Payments = { vouchers: [], ticks: [], bundles: [] };

/**
 * One stream: every batch is posted as it arrives and answered when its flush is done. It is not
 * read while too many of its batches are in flight or the client does not take its answers, so that
 * a fast sender waits in its own socket and not in our memory.
 */
export class VoucherStream {
  /** Resolves when the call has ended, whoever ended it. */
  readonly ended: Promise<void>;
  #inFlight = 0;
  #writable = true;
  #finished = false;
  #over = false;
  /** Why the stream ends once nothing is in flight; undefined while it goes on. */
  #ending: Refusal | undefined;

  constructor(
    private readonly call: VoucherCall,
    private readonly caller: Caller,
    private readonly parts: VoucherStreamParts,
  ) {
    this.ended = new Promise((resolve) => {
      call.on('close', resolve);
      call.on('cancelled', resolve);
    });
    call.on('data', (request: StreamVouchersRequest) => this.#take(request));
    call.on('end', () => {
      this.#finished = true;
      this.#proceed();
    });
    call.on('drain', () => {
      this.#writable = true;
      this.#proceed();
    });
    // A client that goes away is no error of ours; what it posted is flushed all the same.
    call.on('error', (error: Error) => {
      this.#over = true;
      parts.logger.debug({ err: error }, 'a stream broke');
    });
  }

  /** Reads no more; once all that was read is answered, the client is told to go elsewhere. */
  stop(): void {
    const why = 'this process is stopping; send unanswered batches again';
    this.#finish(refuse('UNAVAILABLE', why));
  }

  #take(request: StreamVouchersRequest): void {
    if (this.#ending !== undefined || this.#over) return;
    const { validUntilMs } = this.caller;
    if (validUntilMs !== undefined && validUntilMs < this.parts.clock.nowMs()) {
      this.#finish(refuse('UNAUTHENTICATED', 'the session is over; open a new stream'));
    } else void this.#answer(request);
  }

  #finish(ending: Refusal): void {
    this.#ending ??= ending;
    this.#proceed();
  }

  async #answer({ sequence, batch }: StreamVouchersRequest): Promise<void> {
    this.#inFlight++;
    this.#proceed();
    try {
      const payments = batch ?? NOTHING;
      const result = await this.parts.service.post(payments, this.caller.sender);
      const outcomes = result.ok
        ? outcomesToWire(payments, result.value)
        : refusalToWire(payments, result);
      if (!this.#over && !this.call.cancelled) {
        this.#writable = this.call.write({ sequence, outcomes });
      }
    } catch (error) {
      if (!this.#over) this.call.emit('error', grpcErrorOf(error, this.parts.logger));
    }
    this.#inFlight--;
    this.#proceed();
  }

  #proceed(): void {
    if (this.#over) return;
    if (this.#inFlight === 0 && this.#ending !== undefined) {
      this.#over = true;
      this.call.emit('error', toGrpcError(this.#ending));
    } else if (this.#inFlight === 0 && this.#finished) {
      this.#over = true;
      this.call.end();
    } else if (
      this.#ending !== undefined ||
      !this.#writable ||
      this.#inFlight >= INGEST_LIMITS.streamBatchesMax
    ) {
      this.call.pause();
    } else this.call.resume();
  }
}
