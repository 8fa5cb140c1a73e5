import type { Metadata } from '@grpc/grpc-js';
import { signedBy } from '#libs/crypto';
import { accept, type Digests, type Result, refuse } from '#libs/domain';
import { readSession, type SessionClaim } from '#libs/grpc';

/** Who opened a stream. UNAUTHENTICATED for a session that is missing, over or not signed by its account. */
export function sessionOf(
  metadata: Metadata,
  digests: Digests,
  nowMs: bigint,
): Result<SessionClaim> {
  const claim = readSession(metadata, nowMs);
  if (!claim.ok) return claim;
  const { account, validUntilMs, signature } = claim.value;
  if (signedBy(digests.session(account, validUntilMs), signature, account)) {
    return accept(claim.value);
  }
  return refuse('UNAUTHENTICATED', `the session is not signed by ${account}`);
}
