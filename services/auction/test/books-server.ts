import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  type PlaceBidRequest,
  type PlaceHoldRequest,
  type PlaceHoldResponse,
  SERVICE_DEFINITIONS,
} from '#libs/contracts';
import { type Reason, refuse, toHex } from '#libs/domain';
import { requireInternal, toGrpcError } from '#libs/grpc';

/** How the stand-in for the books answers. */
export type BooksMood = Reason | 'hold' | 'silent';

/**
 * BooksService.PlaceHold in the test's own process: what the balance service looks like from the
 * other end of the connection. It keeps the bids it was asked to hold.
 */
export class BooksServer {
  readonly holds = new Map<string, PlaceBidRequest>();
  mood: BooksMood = 'hold';
  calls = 0;
  #server: Server | undefined;

  constructor(
    readonly port: number,
    private readonly token: string,
  ) {}

  async start(): Promise<void> {
    const server = new Server();
    server.addService(SERVICE_DEFINITIONS.BooksService, {
      placeHold: (
        call: { request: PlaceHoldRequest; metadata: Parameters<typeof requireInternal>[0] },
        answer: (error: object | null, response?: PlaceHoldResponse) => void,
      ) => this.#placeHold(call, answer),
      ...unused('creditDeposit', 'resolveSuspense', 'advanceWithdrawal', 'listOpenWithdrawals'),
    });
    await new Promise<void>((resolve, reject) => {
      const address = `127.0.0.1:${this.port}`;
      server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    this.#server = server;
  }

  stop(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #placeHold(
    call: { request: PlaceHoldRequest; metadata: Parameters<typeof requireInternal>[0] },
    answer: (error: object | null, response?: PlaceHoldResponse) => void,
  ): void {
    this.calls += 1;
    try {
      requireInternal(call.metadata, this.token);
    } catch {
      answer(toGrpcError(refuse('UNAUTHENTICATED', 'wrong secret')));
      return;
    }
    const { bid } = call.request;
    if (this.mood === 'silent' || bid === undefined) return;
    if (this.mood !== 'hold') {
      answer(toGrpcError(refuse(this.mood, 'the books say no')));
      return;
    }
    const repeatedRequest = this.holds.has(toHex(bid.orderId));
    this.holds.set(toHex(bid.orderId), bid);
    answer(null, { repeatedRequest });
  }
}

function unused(...methods: string[]) {
  return Object.fromEntries(
    methods.map((name) => [name, (_call: unknown, answer: (error: object) => void) => answer({})]),
  );
}
