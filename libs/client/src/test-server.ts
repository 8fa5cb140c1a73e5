import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  type PaymentOutcomes,
  Reason,
  SERVICE_DEFINITIONS,
  type StreamVouchersRequest,
  type StreamVouchersResponse,
} from '#libs/contracts';

/** The server's end of a voucher stream, for this library's own tests. */
export type ServerStream = ServerDuplexStream<StreamVouchersRequest, StreamVouchersResponse>;

// Below those that systems give to connections: one of these could take the port while the server is down.
const [FIRST_PORT, PORTS, BIND_TRIES] = [20_000, 12_000, 20];

/** A gRPC server in this process whose methods a test chooses, on a port of its own. */
export class TestServer {
  #server: Server | undefined;
  #port = 0;

  constructor(private readonly methods: UntypedServiceImplementation) {}

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Listens; after a {@link kill} on the same port as before. */
  async start(): Promise<this> {
    const server = new Server();
    server.addService(serving(this.methods), this.methods);
    const bind = (port: number) =>
      new Promise<number>((resolve, reject) => {
        const address = `127.0.0.1:${port}`;
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
    const isNew = this.#port === 0;
    for (let tries = isNew ? BIND_TRIES : 1; ; tries--) {
      if (isNew) this.#port = FIRST_PORT + Math.floor(Math.random() * PORTS);
      try {
        await bind(this.#port);
        break;
      } catch (error) {
        if (tries === 1) throw error;
      }
    }
    this.#server = server;
    return this;
  }

  /** Ends at once and drops every connection, as a killed process does. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}

// The methods that a test gave, of whichever service; the others answer UNIMPLEMENTED.
function serving(methods: UntypedServiceImplementation): ServiceDefinition {
  const { LedgerService, VoucherService } = SERVICE_DEFINITIONS;
  const known = Object.entries({ ...LedgerService, ...VoucherService });
  return Object.fromEntries(known.filter(([name]) => name in methods)) as ServiceDefinition;
}

/** A unary method that answers with what the function returns or throws. */
export function unary(
  answer: (request: never, call: Parameters<handleUnaryCall<never, unknown>>[0]) => unknown,
) {
  const handler: handleUnaryCall<never, unknown> = (call, callback) => {
    try {
      const value = answer(call.request, call);
      if (value !== undefined) callback(null, value);
    } catch (error) {
      callback(error as Error);
    }
  };
  return handler as UntypedHandleCall;
}

/** A server stream that the function writes to. */
export function streaming(
  serve: (call: Parameters<handleServerStreamingCall<never, unknown>>[0]) => void,
) {
  return serve as UntypedHandleCall;
}

/** Outcomes that accept every payment of a batch. */
export function acceptAll(request: StreamVouchersRequest): PaymentOutcomes {
  return {
    vouchers: (request.batch?.vouchers ?? []).map((voucher) => ({
      result: {
        $case: 'receipt',
        value: {
          channelId: voucher.channelId,
          acceptedUnits: voucher.cumulativeUnits,
          partition: 0,
          offset: 0n,
        },
      },
    })),
    ticks: [],
    bundles: [],
  };
}

/** Outcomes that refuse every payment of a batch. */
export function refuseAll(request: StreamVouchersRequest, reason: Reason): PaymentOutcomes {
  return {
    vouchers: (request.batch?.vouchers ?? []).map(() => ({
      result: {
        $case: 'refusal',
        value: { reason, detail: Reason[reason] ?? '', acceptedUnits: 0n },
      },
    })),
    ticks: [],
    bundles: [],
  };
}
