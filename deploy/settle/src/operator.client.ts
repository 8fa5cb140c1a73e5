import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  type Batch,
  type DecideBatchResponse,
  type GetBatchResponse,
  type RunSettlementResponse,
  SettlementOperatorServiceClient,
  type SettlementPlan,
} from '#libs/contracts';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER } from '#libs/grpc';
import { readSecret } from '../../local/src/secrets.js';
import type { StackState } from '../../local/src/state-file.js';
import type { DecisionOption } from './options.js';

/** Settlement refused, or did not answer. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

/** A run asks the ledger about every payout before it answers. */
const RUN_TIMEOUT_MS = 600_000;
const TIMEOUT_MS = 10_000;

/** The operator's side of settlement. Every method rejects with an OperatorError. */
export class OperatorClient {
  readonly #client: SettlementOperatorServiceClient;
  readonly #metadata = new Metadata();

  constructor(address: string, token: string) {
    this.#client = new SettlementOperatorServiceClient(address, credentials.createInsecure());
    this.#metadata.set(INTERNAL_TOKEN_TRAILER, token);
  }

  /** The settlement of a running stack. */
  static of(state: StackState): OperatorClient {
    const address = state.endpoints.settlementInternalGrpc;
    if (address === undefined) throw new OperatorError('the stack has no settlement service');
    return new OperatorClient(address, readSecret(state.secrets.internalToken));
  }

  /** What a run would do now; changes nothing. */
  async plan(): Promise<SettlementPlan> {
    const request = { dryRun: true, listPayees: true };
    const { plan } = await this.#ask<RunSettlementResponse>(TIMEOUT_MS, (options, done) =>
      this.#client.runSettlement(request, this.#metadata, options, done),
    );
    if (plan === undefined) throw new OperatorError('settlement answered without a plan');
    return plan;
  }

  /** Plans what is due; settlement pays it from then on. */
  async run(): Promise<Batch[]> {
    const request = { dryRun: false, listPayees: false };
    const { batches } = await this.#ask<RunSettlementResponse>(RUN_TIMEOUT_MS, (options, done) =>
      this.#client.runSettlement(request, this.#metadata, options, done),
    );
    return batches;
  }

  batch(batchNo: bigint): Promise<GetBatchResponse> {
    return this.#ask(TIMEOUT_MS, (options, done) =>
      this.#client.getBatch({ batchNo }, this.#metadata, options, done),
    );
  }

  decide(decision: DecisionOption, operator: string, note: string): Promise<DecideBatchResponse> {
    return this.#ask(TIMEOUT_MS, (options, done) =>
      this.#client.decideBatch({ ...decision, operator, note }, this.#metadata, options, done),
    );
  }

  close(): void {
    this.#client.close();
  }

  #ask<T>(
    timeoutMs: number,
    call: (
      options: { readonly deadline: number },
      done: (error: ServiceError | null, response: T) => void,
    ) => unknown,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      call({ deadline: Date.now() + timeoutMs }, (error, response) => {
        if (error === null) resolve(response);
        else reject(new OperatorError(textOf(error)));
      });
    });
  }
}

function textOf(error: ServiceError): string {
  const reason = error.metadata?.get(REASON_TRAILER)[0]?.toString();
  return reason === undefined
    ? `settlement does not answer: ${error.details}`
    : `${error.details} (${reason})`;
}
