import type { Metadata } from '@grpc/grpc-js';
import { signedBy } from '#libs/crypto';
import { type Address, accept, type Digests, type Result, refuse } from '#libs/domain';
import { readSession } from '#libs/grpc';

/**
 * Who calls, by the session trailer. A session is signed by the account itself, so its address is all that is needed to
 * check it. UNAUTHENTICATED.
 */
export function callerOf(metadata: Metadata, digests: Digests, nowMs: bigint): Result<Address> {
  const claim = readSession(metadata, nowMs);
  if (!claim.ok) return claim;
  const { account, validUntilMs, signature } = claim.value;
  return signedBy(digests.session(account, validUntilMs), signature, account)
    ? accept(account)
    : refuse('UNAUTHENTICATED', "the session is not signed by the account's key");
}
