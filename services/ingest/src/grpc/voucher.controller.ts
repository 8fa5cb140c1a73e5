import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { type BeforeApplicationShutdown, Controller, Inject } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import type { PostVouchersRequest, PostVouchersResponse } from '#libs/contracts';
import { unwrap } from '#libs/grpc';
import type { Logger } from '#libs/observability';
import { PostVouchersService } from '../application/post-vouchers.service.js';
import { LOGGER } from '../tokens.js';
import { outcomesToWire } from './outcome.codec.js';
import { type VoucherCall, VoucherStream } from './voucher-stream.js';

// Leaves the rest of the ten seconds that a process has for stopping to its connections.
const DRAIN_MS = 7_000;

/** VoucherService of the API. */
@Controller()
export class VoucherController implements BeforeApplicationShutdown {
  readonly #streams = new Set<VoucherStream>();

  constructor(
    @Inject(PostVouchersService) private readonly service: PostVouchersService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @GrpcMethod('VoucherService', 'PostVouchers')
  async post(
    { batch }: PostVouchersRequest,
    _metadata: Metadata,
    call: ServerUnaryCall<PostVouchersRequest, PostVouchersResponse>,
  ): Promise<PostVouchersResponse> {
    const payments = batch ?? { vouchers: [], ticks: [] };
    const outcomes = unwrap(await this.service.post(payments, call.getPeer()));
    return { outcomes: outcomesToWire(payments, outcomes) };
  }

  @GrpcStreamCall('VoucherService', 'StreamVouchers')
  stream(call: VoucherCall): void {
    const stream = new VoucherStream(call, this.service, this.logger);
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
  }

  /** Reads no more, flushes what is inside, answers it and ends the streams. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const stream of this.#streams) stream.stop();
    await this.service.drain(DRAIN_MS);
  }
}
