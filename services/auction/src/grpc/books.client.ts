import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BooksServiceClient, type PlaceBidRequest } from '#libs/contracts';
import { accept, REASONS, type Result, refuse } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER } from '#libs/grpc';
import type { HoldPort } from '../application/ports.js';

const DEADLINE_MS = 4_000;

/** BooksService of the balance service, as the auction uses it. */
export class BooksClient implements HoldPort {
  readonly #client: BooksServiceClient;
  readonly #metadata = new Metadata();
  readonly #deadlineMs: number;

  constructor(options: {
    readonly address: string;
    readonly token: string;
    readonly deadlineMs?: number;
  }) {
    this.#client = new BooksServiceClient(options.address, credentials.createInsecure(), {
      // After a restart of the books the next bid should not wait for a long back-off.
      'grpc.max_reconnect_backoff_ms': 1_000,
    });
    this.#metadata.set(INTERNAL_TOKEN_TRAILER, options.token);
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  placeHold(bid: PlaceBidRequest): Promise<Result<undefined>> {
    const deadline = Date.now() + this.#deadlineMs;
    return new Promise((resolve, reject) => {
      this.#client.placeHold({ bid }, this.#metadata, { deadline }, (error) => {
        if (error === null) return resolve(accept(undefined));
        const refusal = refusalOf(error);
        if (refusal === undefined) reject(error);
        else resolve(refusal);
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** What the books' error means to the one who bids, or undefined when it is no answer to a bid at all. */
function refusalOf(error: ServiceError) {
  const given = error.metadata.get(REASON_TRAILER)[0]?.toString();
  const reason = REASONS.find((name) => name === given);
  // The secret of the cluster is not the bidder's business: that is our own misconfiguration.
  if (reason !== undefined && reason !== 'UNAUTHENTICATED') return refuse(reason, error.details);
  if (error.code === status.UNAVAILABLE) {
    return refuse('UNAVAILABLE', 'the books do not answer; retry later with the same order_id');
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    return refuse('OUTCOME_UNKNOWN', 'the books answer too late; repeat with the same order_id');
  }
  return undefined;
}
