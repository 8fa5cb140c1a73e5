import {
  type CallOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import {
  type AdvanceWithdrawalRequest,
  type AdvanceWithdrawalResponse,
  BooksServiceClient,
  type CreditDepositRequest,
  type CreditDepositResponse,
  type ListOpenWithdrawalsResponse,
  type ResolveSuspenseRequest,
  type ResolveSuspenseResponse,
  type SnapshotLiabilitiesResponse,
  type Withdrawal,
} from '#libs/contracts';
import { accept, LIMITS, REASONS, type Result, refuse } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER } from '#libs/grpc';
import type { Books, LiabilitySource } from '../application/ports.js';

const TIMEOUT_MS = 5_000;
const SNAPSHOT_TIMEOUT_MS = 600_000;

/** {@link Books} over gRPC. Every call has a deadline; a missing answer is UNAVAILABLE, and may be repeated. */
export class BooksClient implements Books, LiabilitySource {
  readonly #client: BooksServiceClient;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#client = new BooksServiceClient(url, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 2_000,
    });
    this.#token = token;
  }

  async creditDeposit(request: CreditDepositRequest): Promise<Result<void>> {
    const answer = await this.#call<CreditDepositResponse>((metadata, options, done) =>
      this.#client.creditDeposit(request, metadata, options, done),
    );
    return answer.ok ? accept(undefined) : answer;
  }

  async resolveSuspense(request: ResolveSuspenseRequest): Promise<Result<void>> {
    const answer = await this.#call<ResolveSuspenseResponse>((metadata, options, done) =>
      this.#client.resolveSuspense(request, metadata, options, done),
    );
    return answer.ok ? accept(undefined) : answer;
  }

  async advanceWithdrawal(request: AdvanceWithdrawalRequest): Promise<Result<Withdrawal>> {
    const answer = await this.#call<AdvanceWithdrawalResponse>((metadata, options, done) =>
      this.#client.advanceWithdrawal(request, metadata, options, done),
    );
    if (!answer.ok) return answer;
    const { withdrawal } = answer.value;
    return withdrawal === undefined
      ? refuse('UNAVAILABLE', 'the ledger answered without the withdrawal')
      : accept(withdrawal);
  }

  async openWithdrawals(
    cursor: string,
  ): Promise<Result<{ withdrawals: Withdrawal[]; next: string }>> {
    const request = { page: { cursor, limit: LIMITS.pageMax } };
    const answer = await this.#call<ListOpenWithdrawalsResponse>((metadata, options, done) =>
      this.#client.listOpenWithdrawals(request, metadata, options, done),
    );
    if (!answer.ok) return answer;
    return accept({ withdrawals: answer.value.withdrawals, next: answer.value.nextCursor });
  }

  async *liabilities(): AsyncGenerator<SnapshotLiabilitiesResponse> {
    const options = { deadline: Date.now() + SNAPSHOT_TIMEOUT_MS };
    const stream = this.#client.snapshotLiabilities({}, this.#metadata(), options);
    try {
      // Reading by iteration lets the ledger wait while a piece is worked on.
      for await (const response of stream) yield response as SnapshotLiabilitiesResponse;
    } finally {
      stream.cancel();
    }
  }

  /** Throws when the ledger cannot be reached; for a readiness check. */
  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + 1_500, (error) => {
        if (error === undefined) resolve();
        else reject(new Error('the ledger cannot be reached'));
      });
    });
  }

  close(): void {
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set(INTERNAL_TOKEN_TRAILER, this.#token);
    return metadata;
  }

  #call<T>(
    call: (
      metadata: Metadata,
      options: Partial<CallOptions>,
      done: (error: ServiceError | null, response: T) => void,
    ) => ClientUnaryCall,
  ): Promise<Result<T>> {
    return new Promise((resolve) => {
      call(this.#metadata(), { deadline: Date.now() + TIMEOUT_MS }, (error, response) => {
        resolve(error === null ? accept(response) : refusalOf(error));
      });
    });
  }
}

function refusalOf(error: ServiceError): Result<never> {
  const named = error.metadata?.get(REASON_TRAILER)[0]?.toString();
  const reason = REASONS.find((name) => name === named);
  if (reason !== undefined) return refuse(reason, error.details);
  const silent = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
  return refuse(silent ? 'UNAVAILABLE' : 'OUTCOME_UNKNOWN', error.details);
}
