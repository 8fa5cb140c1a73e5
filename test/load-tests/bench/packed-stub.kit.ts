import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  Reason,
  SERVICE_DEFINITIONS,
  StreamPackedRequest,
  type StreamPackedResponse,
} from '#libs/contracts';
import { claimsOf } from '../../../load-tests/src/bench/corpus/claims.js';

type Call = ServerDuplexStream<StreamPackedRequest, StreamPackedResponse>;

/** How a {@link PackedStub} misbehaves. */
export type StubFaults = {
  /** Items of every batch that are refused. */
  readonly refused?: readonly number[];
  /** Milliseconds until a batch is answered. */
  readonly delayMs?: number;
  /** The stream breaks after so many batches. */
  readonly breakAfter?: number;
  readonly refuseChannels?: boolean;
};

/** A server of StreamPacked that believes everything and remembers what it acknowledged. */
export class PackedStub {
  readonly #server = new Server();
  /** Highest amounts by handle, one map for each stream in the order of their opening. */
  readonly streams: Map<number, number>[] = [];
  readonly sessions: string[] = [];
  batches = 0;
  #offset = 0n;

  constructor(private readonly faults: StubFaults = {}) {
    const unary = () => undefined;
    this.#server.addService(SERVICE_DEFINITIONS.VoucherService, {
      postVouchers: unary,
      streamVouchers: unary,
      streamPacked: (call: Call) => this.#serve(call),
    });
  }

  async listen(): Promise<string> {
    const port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    return `127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #serve(call: Call): void {
    const owed = new Map<number, number>();
    this.streams.push(owed);
    this.sessions.push(call.metadata.get('swarmledger-session').join());
    let handles = 0;
    call.on('data', (request: StreamPackedRequest) => {
      const { sequence, content } = request;
      if (content?.$case === 'open') {
        const count = content.value.channelIds.length / 32;
        const refusal = {
          reason: Reason.CHANNEL_UNKNOWN,
          detail: 'never heard of it',
          acceptedUnits: 0n,
        };
        const refused = this.faults.refuseChannels ? [{ item: 0, refusal }] : [];
        const value = {
          sequence,
          firstHandle: BigInt(handles),
          accepted: Buffer.alloc(16 * count),
          refused,
        };
        handles += count;
        call.write({ content: { $case: 'opened', value } });
        return;
      }
      this.batches += 1;
      if (this.batches === this.faults.breakAfter) {
        call.emit('error', Object.assign(new Error('broken on purpose'), { code: 14 }));
        return;
      }
      setTimeout(() => this.#ack(call, request, owed), this.faults.delayMs ?? 2);
    });
    call.on('end', () => call.end());
  }

  #ack(call: Call, request: StreamPackedRequest, owed: Map<number, number>): void {
    const items = new Set(this.faults.refused);
    const raised = new Map<number, number>();
    claimsOf(StreamPackedRequest.encode(request).finish(), (handle, units, item) => {
      if (!items.has(item)) raised.set(handle, Math.max(units, raised.get(handle) ?? 0));
    });
    const receipts = Buffer.concat(
      [...raised].map(([handle, units]) => {
        owed.set(handle, Math.max(units, owed.get(handle) ?? 0));
        const receipt = Buffer.alloc(12);
        receipt.writeUInt32BE(handle);
        receipt.writeBigInt64BE(BigInt(units), 4);
        return receipt;
      }),
    );
    const refusal = { reason: Reason.OVERLOADED, detail: '', acceptedUnits: 0n };
    const refused = [...items].map((item) => ({ item, refusal }));
    const positions = [{ partition: 3, offset: this.#offset++ }];
    const batches = [{ sequence: request.sequence, refused }];
    call.write({ content: { $case: 'ack', value: { batches, receipts, positions } } });
  }
}
