import type { Metadata } from '@grpc/grpc-js';
import { type Address, accept, isAddress, LIMITS, type Result, refuse } from '#libs/domain';

/** Trailer with which a caller proves who it is: `<address>.<valid until ms>.<signature hex>`. */
export const SESSION_TRAILER = 'swarmledger-session';

/** Trailer with the cluster's own secret, on internal ports. */
export const INTERNAL_TOKEN_TRAILER = 'swarmledger-internal-token';

/** What a session trailer says before its signature is checked. */
export type SessionClaim = {
  readonly account: Address;
  readonly validUntilMs: bigint;
  readonly signature: Uint8Array;
};

/** True when the caller says who it is, truly or not. */
export function hasSession(metadata: Metadata): boolean {
  return metadata.get(SESSION_TRAILER).length > 0;
}

/** Reads the session trailer. Refuses a missing, malformed, expired or too long-lived one. */
export function readSession(metadata: Metadata, nowMs: bigint): Result<SessionClaim> {
  const text = metadata.get(SESSION_TRAILER)[0]?.toString() ?? '';
  const [, account, until, signature] =
    /^(T[1-9A-HJ-NP-Za-km-z]{33})\.(\d{1,15})\.([0-9a-f]{128})$/.exec(text) ?? [];
  // With its checksum: whoever signs or hashes the account may rely on it.
  const isComplete = account !== undefined && until !== undefined && signature !== undefined;
  if (!isComplete || !isAddress(account)) {
    return refuse('UNAUTHENTICATED', `the trailer ${SESSION_TRAILER} is missing or malformed`);
  }
  const validUntilMs = BigInt(until);
  if (validUntilMs < nowMs || validUntilMs > nowMs + LIMITS.sessionMaxMs) {
    return refuse('UNAUTHENTICATED', 'the session is expired or valid for more than a day');
  }
  return accept({
    account,
    validUntilMs,
    signature: Uint8Array.from(Buffer.from(signature, 'hex')),
  });
}

/** The session trailer of a signed session. */
export function formatSession(claim: SessionClaim): string {
  const signature = Buffer.from(claim.signature).toString('hex');
  return `${claim.account}.${claim.validUntilMs}.${signature}`;
}
