import { type Address, isAmount, LIMITS, type Refusal, refuse, type Units } from '#libs/domain';

/** What decides whether a session key may open a channel. */
export type SessionKeyState = {
  readonly capUnits: Units;
  readonly usedUnits: Units;
  readonly expiresAtMs: bigint;
  readonly revokedAtMs: bigint | null;
};

/** Whether a delegation can be one at all. MALFORMED. */
export function delegationProblem(d: {
  readonly account: Address;
  readonly key: Address;
  readonly capUnits: Units;
  readonly expiresAtMs: bigint;
}): Refusal | undefined {
  if (d.key === d.account) return refuse('MALFORMED', 'the session key is the account’s own key');
  if (!isAmount(d.capUnits)) return refuse('MALFORMED', 'cap_units must be above 0');
  if (d.expiresAtMs <= 0n) return refuse('MALFORMED', 'expires_at_ms is missing');
  return undefined;
}

/** Whether a key may be delegated until then. EXPIRED, MALFORMED. */
export function expiryProblem(expiresAtMs: bigint, nowMs: bigint): Refusal | undefined {
  if (expiresAtMs <= nowMs) return refuse('EXPIRED', 'the session key would have expired already');
  if (expiresAtMs > nowMs + LIMITS.sessionKeyLifeMaxMs) {
    return refuse('MALFORMED', 'expires_at_ms is too far ahead');
  }
  return undefined;
}

/** Why a session key may not open a channel with this deposit. KEY_NOT_DELEGATED, KEY_CAP_EXCEEDED. */
export function openingProblem(
  key: SessionKeyState,
  depositUnits: Units,
  nowMs: bigint,
): Refusal | undefined {
  if (key.revokedAtMs !== null) return refuse('KEY_NOT_DELEGATED', 'the session key is revoked');
  if (key.expiresAtMs <= nowMs) {
    return refuse('KEY_NOT_DELEGATED', `the session key has expired at ${key.expiresAtMs}`);
  }
  const leftUnits = key.capUnits - key.usedUnits;
  return depositUnits > leftUnits
    ? refuse('KEY_CAP_EXCEEDED', `the session key's cap leaves ${leftUnits} units`)
    : undefined;
}
