/**
 * The closed list of reasons why a request is refused. The same names stand in
 * proto/swarmledger/v1/common.proto (a test compares the two); each transport maps every one.
 */
export const REASONS = [
  'MALFORMED',
  'LIMIT_EXCEEDED',
  'CHANNEL_UNKNOWN',
  'CHANNEL_CLOSED',
  'PAYEE_MISMATCH',
  'EXPIRED',
  'ABOVE_DEPOSIT',
  'SUPERSEDED',
  'BAD_SIGNATURE',
  'TICKS_NOT_COMMITTED',
  'TICK_OUT_OF_RANGE',
  'BAD_PREIMAGE',
  'ACCOUNT_UNKNOWN',
  'INSUFFICIENT_FUNDS',
  'ID_REUSED',
  'NOT_PERMITTED',
  'UNAUTHENTICATED',
  'BAD_CURSOR',
  'ORDER_UNKNOWN',
  'ORDER_CLOSED',
  'BUDGET_TOO_SMALL',
  'WITHDRAWAL_UNKNOWN',
  'WITHDRAWAL_NOT_CANCELLABLE',
  'WITHDRAWAL_LIMIT',
  'RESERVE_SHORT',
  'ASSET_UNKNOWN',
  'UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'NOT_FOUND',
  'OVERLOADED',
  'TICKS_LEFT',
  'KEY_NOT_DELEGATED',
  'KEY_CAP_EXCEEDED',
] as const;

/** One of {@link REASONS}. */
export type Reason = (typeof REASONS)[number];
