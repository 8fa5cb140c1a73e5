import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Controller, Inject } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import type { PostVouchersRequest, PostVouchersResponse } from '#libs/contracts';
import type { Result } from '#libs/domain';
import { grpcErrorOf, toGrpcError, unwrap } from '#libs/grpc';
import type { Logger } from '#libs/observability';
import { PostVouchersService } from '../application/post-vouchers.service.js';
import { LOGGER } from '../tokens.js';
import { outcomesToWire } from './outcome.codec.js';
import type { PackedCall } from './packed-stream.js';
import { PackedStreams } from './packed-streams.js';
import { Sessions } from './sessions.js';
import type { VoucherCall } from './voucher-stream.js';
import { VoucherStreams } from './voucher-streams.js';

// Leaves the rest of the ten seconds that a process has for stopping to its connections.
const DRAIN_MS = 7_000;

type OpenStream = { stop(): void; readonly ended: Promise<void> };

/** VoucherService of the API. Streams get the raw call: nothing of Nest's stands in their way. */
@Controller()
export class VoucherController implements BeforeApplicationShutdown {
  readonly #streams = new Set<OpenStream>();
  #stopping = false;

  constructor(
    @Inject(PostVouchersService) private readonly service: PostVouchersService,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(VoucherStreams) private readonly voucherStreams: VoucherStreams,
    @Inject(PackedStreams) private readonly packedStreams: PackedStreams,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @GrpcMethod('VoucherService', 'PostVouchers')
  async post(
    { batch }: PostVouchersRequest,
    _metadata: Metadata,
    call: ServerUnaryCall<PostVouchersRequest, PostVouchersResponse>,
  ): Promise<PostVouchersResponse> {
    const { sender } = unwrap(this.sessions.caller(call));
    const payments = batch ?? { vouchers: [], ticks: [], bundles: [] };
    const outcomes = unwrap(await this.service.post(payments, sender));
    return { outcomes: outcomesToWire(payments, outcomes) };
  }

  @GrpcStreamCall('VoucherService', 'StreamVouchers')
  stream(call: VoucherCall): void {
    this.#open(call, () => this.voucherStreams.open(call));
  }

  @GrpcStreamCall('VoucherService', 'StreamPacked')
  streamPacked(call: PackedCall): void {
    this.#open(call, () => this.packedStreams.open(call));
  }

  /** Reads no more, flushes what is inside, answers it and ends the streams. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    for (const stream of this.#streams) stream.stop();
    await this.service.drain(DRAIN_MS);
  }

  #open(call: VoucherCall | PackedCall, open: () => Result<OpenStream>): void {
    try {
      const opened = open();
      if (opened.ok) this.#keep(opened.value);
      else endWith(call, toGrpcError(opened));
    } catch (error) {
      endWith(call, grpcErrorOf(error, this.logger));
    }
  }

  #keep(stream: OpenStream): void {
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    // A client that was told to go may come back before the port closes, and would keep it from closing.
    if (this.#stopping) stream.stop();
  }
}

/** Ends a call that no stream was made for: an error that nobody listens to would end the process. */
function endWith(call: VoucherCall | PackedCall, error: unknown): void {
  call.on('error', () => undefined);
  call.emit('error', error);
}
