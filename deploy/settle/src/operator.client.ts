import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type Batch,
  type DecideBatchResponse,
  type ExplainTransactionResponse,
  type GetBatchResponse,
  type ListUndecidedBatchesResponse,
  type RunSettlementResponse,
  SettlementOperatorServiceClient,
  type SettlementPlan,
  type UndecidedBatch,
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
/** Batches that wait, of one answer. */
const UNDECIDED_MAX = 100;

/** The operator's side of settlement. Every method rejects with an OperatorError. */
export class OperatorClient {
  readonly #client: SettlementOperatorServiceClient;
  readonly #metadata = new Metadata();

  constructor(
    readonly address: string,
    token: string,
  ) {
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
    const { batches } = await this.#change<RunSettlementResponse>(RUN_TIMEOUT_MS, (options, done) =>
      this.#client.runSettlement(request, this.#metadata, options, done),
    );
    return batches;
  }

  /** Large batches that wait for an operator, newest first; the newest hundred. */
  async undecided(): Promise<UndecidedBatch[]> {
    const request = { page: { cursor: '', limit: UNDECIDED_MAX } };
    const { batches } = await this.#ask<ListUndecidedBatchesResponse>(TIMEOUT_MS, (options, done) =>
      this.#client.listUndecidedBatches(request, this.#metadata, options, done),
    );
    return batches;
  }

  /** These batches as they are now. */
  async batches(batchNos: readonly bigint[]): Promise<Batch[]> {
    const found: Batch[] = [];
    for (const batchNo of batchNos) {
      const { batch } = await this.batch(batchNo);
      if (batch !== undefined) found.push(batch);
    }
    return found;
  }

  batch(batchNo: bigint): Promise<GetBatchResponse> {
    return this.#ask(TIMEOUT_MS, (options, done) =>
      this.#client.getBatch({ batchNo }, this.#metadata, options, done),
    );
  }

  decide(decision: DecisionOption, operator: string, note: string): Promise<DecideBatchResponse> {
    return this.#change(TIMEOUT_MS, (options, done) =>
      this.#client.decideBatch({ ...decision, operator, note }, this.#metadata, options, done),
    );
  }

  /** Says what a transaction of the hot wallet was; hex id. */
  explain(txid: string, operator: string, reason: string): Promise<ExplainTransactionResponse> {
    const request = { txid: Buffer.from(txid, 'hex'), operator, reason };
    return this.#change(TIMEOUT_MS, (options, done) =>
      this.#client.explainTransaction(request, this.#metadata, options, done),
    );
  }

  close(): void {
    this.#client.close();
  }

  #ask<T>(timeoutMs: number, call: Call<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      call({ deadline: Date.now() + timeoutMs }, (error, response) => {
        if (error === null) resolve(response);
        else reject(new OperatorError(textOf(error, this.address), { cause: error }));
      });
    });
  }

  /** A call that may have been carried out although no answer came. */
  async #change<T>(timeoutMs: number, call: Call<T>): Promise<T> {
    try {
      return await this.#ask(timeoutMs, call);
    } catch (error) {
      if (!(error instanceof OperatorError) || isRefusal(error.cause as ServiceError)) throw error;
      const doubt = 'it may have acted: look with --dry-run; the same decision is taken once';
      throw new OperatorError(`${error.message}; ${doubt}`, { cause: error.cause });
    }
  }
}

type Call<T> = (
  options: { readonly deadline: number },
  done: (error: ServiceError | null, response: T) => void,
) => unknown;

function reasonOf(error: ServiceError): string | undefined {
  return error.metadata?.get(REASON_TRAILER)[0]?.toString();
}

function isRefusal(error: ServiceError): boolean {
  return reasonOf(error) !== undefined || error.code === status.UNIMPLEMENTED;
}

function textOf(error: ServiceError, address: string): string {
  const reason = reasonOf(error);
  if (reason === 'UNAUTHENTICATED') {
    return `settlement at ${address} refuses the internal token: ${error.details} (${reason})`;
  }
  if (reason !== undefined) return `settlement at ${address}: ${error.details} (${reason})`;
  return error.code === status.UNIMPLEMENTED
    ? `${address} is not the internal port of settlement: ${error.details}`
    : `settlement at ${address} does not answer: ${error.details}`;
}
