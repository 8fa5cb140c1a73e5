import { credentials } from '@grpc/grpc-js';
import {
  type DecideBatchResponse,
  type GetBatchResponse,
  type GetSettlementStatusResponse,
  type ListBatchesResponse,
  type ListHeldDepositsResponse,
  type ListHeldPayoutsResponse,
  type ListUndecidedBatchesResponse,
  type ResolveDepositResponse,
  type RunSettlementResponse,
  SettlementOperatorServiceClient,
  SettlementServiceClient,
} from '#libs/contracts';
import { accept, type Result } from '#libs/domain';
import type {
  BatchDecider,
  BatchDecision,
  DecidedBatch,
  DepositDecision,
  DepositResolver,
  Payee,
  ResolvedDeposit,
  SettlementRunner,
} from '../application/ports.js';
import type { BatchRow, HeldRow, SettlementStatus, UndecidedRow } from '../domain/snapshot.js';
import {
  batchFromWire,
  decidedFromWire,
  heldDepositFromWire,
  heldPayoutFromWire,
  resolvedDepositFromWire,
  settlementStatusFromWire,
  undecidedFromWire,
} from './from-wire.js';
import { CLIENT_CHANNEL_OPTIONS, unaryCall } from './unary-call.js';

/** Where settlement listens and how the cluster identifies itself there. */
export type SettlementAddresses = {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly internalToken: string;
};

/** A run plans, signs and sends before it answers. */
const RUN_TIMEOUT_MS = 30_000;
/** Settlement keeps a decision and asks the books before it answers. */
const RESOLVE_TIMEOUT_MS = 10_000;
const DECIDE_TIMEOUT_MS = 10_000;

/** The settlement service as the dashboard needs it: its public lists and its operator's API. */
export class SettlementClient implements SettlementRunner, DepositResolver, BatchDecider {
  readonly #public: SettlementServiceClient;
  readonly #operator: SettlementOperatorServiceClient;
  readonly #internalToken: string;

  constructor(addresses: SettlementAddresses) {
    const insecure = credentials.createInsecure();
    this.#public = new SettlementServiceClient(
      addresses.publicUrl,
      insecure,
      CLIENT_CHANNEL_OPTIONS,
    );
    this.#operator = new SettlementOperatorServiceClient(
      addresses.internalUrl,
      insecure,
      CLIENT_CHANNEL_OPTIONS,
    );
    this.#internalToken = addresses.internalToken;
  }

  /** The newest batches. Refuses with UNAVAILABLE when nothing answers. */
  async batches(limit: number): Promise<Result<readonly BatchRow[]>> {
    const request = { page: { cursor: '', limit } };
    const result = await unaryCall<ListBatchesResponse>(
      (metadata, options, done) => this.#public.listBatches(request, metadata, options, done),
      { timeoutMs: 2_000, service: 'settlement' },
    );
    return result.ok ? { ok: true, value: result.value.batches.map(batchFromWire) } : result;
  }

  /** How settlement stands. Refuses with UNAVAILABLE when nothing answers. */
  async status(): Promise<Result<SettlementStatus>> {
    const result = await unaryCall<GetSettlementStatusResponse>(
      (metadata, options, done) => this.#operator.getSettlementStatus({}, metadata, options, done),
      { timeoutMs: 5_000, service: 'settlement', internalToken: this.#internalToken },
    );
    return result.ok ? { ok: true, value: settlementStatusFromWire(result.value) } : result;
  }

  /** The newest batches that wait for an operator. Refuses with UNAVAILABLE when nothing answers. */
  async undecided(limit: number): Promise<Result<readonly UndecidedRow[]>> {
    const request = { page: { cursor: '', limit } };
    const result = await unaryCall<ListUndecidedBatchesResponse>(
      (metadata, options, done) =>
        this.#operator.listUndecidedBatches(request, metadata, options, done),
      { timeoutMs: 5_000, service: 'settlement', internalToken: this.#internalToken },
    );
    return result.ok ? accept(result.value.batches.map(undecidedFromWire)) : result;
  }

  async payees(batchNo: bigint): Promise<Result<readonly Payee[]>> {
    const result = await unaryCall<GetBatchResponse>(
      (metadata, options, done) => this.#operator.getBatch({ batchNo }, metadata, options, done),
      { timeoutMs: 5_000, service: 'settlement', internalToken: this.#internalToken },
    );
    if (!result.ok) return result;
    return accept(
      result.value.payouts.map(({ destination, amountUnits }) => ({
        destination,
        units: amountUnits,
      })),
    );
  }

  async decideBatch(decision: BatchDecision): Promise<Result<DecidedBatch>> {
    const { batchNo, approve, name, reason } = decision;
    const request = { batchNo, approve, operator: name, note: reason };
    const result = await unaryCall<DecideBatchResponse>(
      (metadata, options, done) => this.#operator.decideBatch(request, metadata, options, done),
      {
        timeoutMs: DECIDE_TIMEOUT_MS,
        service: 'settlement',
        internalToken: this.#internalToken,
        changes: true,
      },
    );
    return result.ok ? accept(decidedFromWire(result.value)) : result;
  }

  /** The newest deposits and payouts that wait for an operator. Refuses with UNAVAILABLE when nothing answers. */
  async held(limit: number): Promise<Result<readonly HeldRow[]>> {
    const request = { page: { cursor: '', limit } };
    const terms = {
      timeoutMs: 5_000,
      service: 'settlement',
      internalToken: this.#internalToken,
    };
    const [deposits, payouts] = await Promise.all([
      unaryCall<ListHeldDepositsResponse>(
        (metadata, options, done) =>
          this.#operator.listHeldDeposits(request, metadata, options, done),
        terms,
      ),
      unaryCall<ListHeldPayoutsResponse>(
        (metadata, options, done) =>
          this.#operator.listHeldPayouts(request, metadata, options, done),
        terms,
      ),
    ]);
    if (!deposits.ok) return deposits;
    if (!payouts.ok) return payouts;
    return accept([
      ...payouts.value.payouts.map(heldPayoutFromWire),
      ...deposits.value.deposits.map(heldDepositFromWire),
    ]);
  }

  async run(dryRun: boolean): Promise<Result<readonly BatchRow[]>> {
    const result = await unaryCall<RunSettlementResponse>(
      (metadata, options, done) =>
        this.#operator.runSettlement({ dryRun, listPayees: false }, metadata, options, done),
      {
        timeoutMs: RUN_TIMEOUT_MS,
        service: 'settlement',
        internalToken: this.#internalToken,
        changes: !dryRun,
      },
    );
    return result.ok ? { ok: true, value: result.value.batches.map(batchFromWire) } : result;
  }

  async resolveDeposit(decision: DepositDecision): Promise<Result<ResolvedDeposit>> {
    const { creditAccount, ...order } = decision;
    const request = {
      ...order,
      decision:
        creditAccount === undefined
          ? { $case: 'dismiss' as const, value: true }
          : { $case: 'creditAccount' as const, value: creditAccount },
    };
    const result = await unaryCall<ResolveDepositResponse>(
      (metadata, options, done) => this.#operator.resolveDeposit(request, metadata, options, done),
      {
        timeoutMs: RESOLVE_TIMEOUT_MS,
        service: 'settlement',
        internalToken: this.#internalToken,
        changes: true,
      },
    );
    return result.ok ? accept(resolvedDepositFromWire(result.value)) : result;
  }

  close(): void {
    this.#public.close();
    this.#operator.close();
  }
}
