import { Metadata, status } from '@grpc/grpc-js';
import type { Reason, Refusal } from '#libs/domain';
import { encodeErrorDetails } from './error-details.js';

/** gRPC status of every reason; the compiler asks for a line when a reason is added. */
export const STATUS_OF: Readonly<Record<Reason, status>> = {
  MALFORMED: status.INVALID_ARGUMENT,
  LIMIT_EXCEEDED: status.INVALID_ARGUMENT,
  CHANNEL_UNKNOWN: status.NOT_FOUND,
  CHANNEL_CLOSED: status.FAILED_PRECONDITION,
  PAYEE_MISMATCH: status.INVALID_ARGUMENT,
  EXPIRED: status.FAILED_PRECONDITION,
  ABOVE_DEPOSIT: status.FAILED_PRECONDITION,
  SUPERSEDED: status.ALREADY_EXISTS,
  BAD_SIGNATURE: status.PERMISSION_DENIED,
  TICKS_NOT_COMMITTED: status.FAILED_PRECONDITION,
  TICK_OUT_OF_RANGE: status.OUT_OF_RANGE,
  BAD_PREIMAGE: status.PERMISSION_DENIED,
  ACCOUNT_UNKNOWN: status.NOT_FOUND,
  INSUFFICIENT_FUNDS: status.FAILED_PRECONDITION,
  ID_REUSED: status.ALREADY_EXISTS,
  NOT_PERMITTED: status.PERMISSION_DENIED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  BAD_CURSOR: status.INVALID_ARGUMENT,
  ORDER_UNKNOWN: status.NOT_FOUND,
  ORDER_CLOSED: status.FAILED_PRECONDITION,
  BUDGET_TOO_SMALL: status.INVALID_ARGUMENT,
  WITHDRAWAL_UNKNOWN: status.NOT_FOUND,
  WITHDRAWAL_NOT_CANCELLABLE: status.FAILED_PRECONDITION,
  WITHDRAWAL_LIMIT: status.OUT_OF_RANGE,
  RESERVE_SHORT: status.FAILED_PRECONDITION,
  ASSET_UNKNOWN: status.INVALID_ARGUMENT,
  UNAVAILABLE: status.UNAVAILABLE,
  OUTCOME_UNKNOWN: status.UNKNOWN,
  NOT_FOUND: status.NOT_FOUND,
  OVERLOADED: status.RESOURCE_EXHAUSTED,
  TICKS_LEFT: status.FAILED_PRECONDITION,
  KEY_NOT_DELEGATED: status.PERMISSION_DENIED,
  KEY_CAP_EXCEEDED: status.FAILED_PRECONDITION,
};

/** Trailer that carries the reason's name in clear. */
export const REASON_TRAILER = 'swarmledger-reason';

/** An error in the shape grpc-js sends. */
export type GrpcError = { code: status; details: string; message: string; metadata: Metadata };

/** A refusal as a gRPC error: status, reason trailer and google.rpc error details. */
export function toGrpcError(refusal: Refusal): GrpcError {
  const code = STATUS_OF[refusal.reason];
  const metadata = new Metadata();
  metadata.set(REASON_TRAILER, refusal.reason);
  metadata.set(
    'grpc-status-details-bin',
    encodeErrorDetails({ code, message: refusal.detail, reason: refusal.reason }),
  );
  return { code, details: refusal.detail, message: refusal.detail, metadata };
}
