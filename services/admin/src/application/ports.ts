import type { Result, Units } from '#libs/domain';
import type { Attempts } from '../domain/lockout.js';
import type { Session } from '../domain/session.js';
import type { BatchRow } from '../domain/snapshot.js';

/** Where sessions live. Every method rejects when the store does not answer. */
export type SessionStore = {
  insert(session: Session): Promise<void>;
  find(tokenHash: Buffer): Promise<Session | undefined>;
  remove(tokenHash: Buffer): Promise<void>;
  removeExpired(nowMs: bigint): Promise<void>;
};

/** Where failed logins are counted. */
export type AttemptStore = {
  /**
   * Hands the address's count to `decide` and stores what it answers, undefined forgets the address.
   * Two calls for one address never overlap, so parallel guesses are counted one by one.
   */
  change<T>(
    address: string,
    decide: (attempts: Attempts) => { next: Attempts | undefined; value: T },
  ): Promise<T>;
  removeOlderThan(firstFailureAtMs: bigint): Promise<void>;
};

/** One thing an operator did. */
export type AuditEntry = {
  readonly atMs: bigint;
  readonly actor: string;
  readonly role: string;
  readonly address: string;
  readonly action: string;
  readonly outcome: string;
  readonly detail: string;
};

/** The append-only record of operators' actions. */
export type AuditLog = { append(entry: AuditEntry): Promise<void> };

/** What an operator decides about a deposit that waits. */
export type DepositDecision = {
  /** 32 bytes; the same again takes the decision once. */
  readonly resolutionId: Buffer;
  readonly txid: Buffer;
  readonly index: number;
  /** Base58; undefined to dismiss it. */
  readonly creditAccount: string | undefined;
  readonly reason: string;
  readonly operator: string;
};

/** Deposits by hand. */
export type DepositResolver = {
  /** The deposit's state afterwards, with its note; the service's refusal, or OUTCOME_UNKNOWN. */
  resolveDeposit(decision: DepositDecision): Promise<Result<ResolvedDeposit>>;
};

/** A deposit after a decision. */
export type ResolvedDeposit = { readonly state: string; readonly note: string };

/** What an operator decides about a large batch. */
export type BatchDecision = {
  readonly batchNo: bigint;
  /** False gives its payouts back to their owners. */
  readonly approve: boolean;
  /** Who decides; kept with the batch. */
  readonly name: string;
  /** Kept with the batch, and told to the owners when the answer is no. */
  readonly reason: string;
};

/** A batch after a decision. */
export type DecidedBatch = { readonly state: string; readonly decidedBy: string };

/** Whom a batch pays. */
export type Payee = { readonly destination: string; readonly units: Units };

/** Large batches, which wait for an operator. */
export type BatchDecider = {
  /** The same decision again changes nothing; another one is refused. The service's refusal, or OUTCOME_UNKNOWN. */
  decideBatch(decision: BatchDecision): Promise<Result<DecidedBatch>>;
  /** Whom a batch pays, in its order. Refuses with NOT_FOUND or UNAVAILABLE. */
  payees(batchNo: bigint): Promise<Result<readonly Payee[]>>;
};

/** Settlement by hand. */
export type SettlementRunner = {
  /** Refuses with the service's reason; OUTCOME_UNKNOWN when a real run was sent and not answered. */
  run(dryRun: boolean): Promise<Result<readonly BatchRow[]>>;
};
