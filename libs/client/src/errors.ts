import { type ServiceError, status } from '@grpc/grpc-js';
import { REASONS, type Reason } from '#libs/domain';
import { REASON_TRAILER } from './trailers.js';

/** What every error of this library is: catch this one to catch them all. */
export class LedgerError extends Error {
  override readonly name: string = 'LedgerError';
}

/** The ledger said no. Repeating the same request gives the same answer. */
export class LedgerRefusal extends LedgerError {
  override readonly name = 'LedgerRefusal';

  constructor(
    readonly reason: Reason,
    readonly detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}

/** The ledger could not be reached in time, and the request has certainly changed nothing. */
export class LedgerUnavailable extends LedgerError {
  override readonly name = 'LedgerUnavailable';
  /** What the ledger said last, when it said anything: UNAVAILABLE or OVERLOADED. */
  readonly reason: Reason | undefined;

  constructor(message: string, options: ErrorOptions & { readonly reason?: Reason } = {}) {
    super(message, options);
    this.reason = options.reason;
  }
}

/** The request may or may not have taken effect: repeat it with the same id, or read the state. */
export class OutcomeUnknown extends LedgerError {
  override readonly name = 'OutcomeUnknown';
}

/** Reasons that say "not now": the same request may succeed a moment later. */
export function isTransient(reason: Reason): boolean {
  return reason === 'UNAVAILABLE' || reason === 'OVERLOADED' || reason === 'OUTCOME_UNKNOWN';
}

/** What a failed attempt means for the caller. */
export type Verdict =
  | { readonly kind: 'refused'; readonly reason: Reason; readonly detail: string }
  | { readonly kind: 'broken'; readonly detail: string }
  | {
      readonly kind: 'transient';
      readonly detail: string;
      readonly reason?: Reason;
      /** True when the attempt has certainly changed nothing. */
      readonly unchanged: boolean;
      /** True when the server itself failed, which more attempts seldom cure. */
      readonly serverFault: boolean;
    };

const TRANSIENT_CODES: readonly status[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.CANCELLED,
];

/** Judges a gRPC error by its reason trailer, or by its status when there is none. Pure. */
export function judge(error: Pick<ServiceError, 'code' | 'details' | 'metadata'>): Verdict {
  const detail = error.details;
  const told = error.metadata?.get(REASON_TRAILER)[0]?.toString();
  const reason = REASONS.find((name) => name === told);
  if (reason !== undefined && !isTransient(reason)) return { kind: 'refused', reason, detail };
  if (reason !== undefined) {
    const unchanged = reason !== 'OUTCOME_UNKNOWN';
    const text = `${reason}: ${detail}`;
    return { kind: 'transient', detail: text, reason, unchanged, serverFault: false };
  }
  const serverFault = error.code === status.INTERNAL || error.code === status.UNKNOWN;
  if (serverFault || TRANSIENT_CODES.includes(error.code)) {
    return { kind: 'transient', detail, unchanged: neverSent(error), serverFault };
  }
  return { kind: 'broken', detail: `${status[error.code]}: ${detail}` };
}

// grpc-js answers so while it has no connection at all: such a call never left this process.
function neverSent(error: Pick<ServiceError, 'code' | 'details'>): boolean {
  return (
    error.code === status.UNAVAILABLE &&
    /^(No connection established|Name resolution failed)/.test(error.details)
  );
}
