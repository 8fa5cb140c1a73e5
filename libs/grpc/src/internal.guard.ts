import { timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { refuse } from '#libs/domain';
import { RefusedError } from './refusal.filter.js';
import { INTERNAL_TOKEN_TRAILER } from './session.js';

/** Throws the UNAUTHENTICATED refusal unless the caller knows the cluster's secret. */
export function requireInternal(metadata: Metadata, token: string): void {
  const given = Buffer.from(metadata.get(INTERNAL_TOKEN_TRAILER)[0]?.toString() ?? '');
  const wanted = Buffer.from(token);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new RefusedError(refuse('UNAUTHENTICATED', 'this API is for the cluster itself'));
  }
}
