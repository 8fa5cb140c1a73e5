import { LIMITS } from './limits.js';
import { type Refusal, refuse } from './result.js';

/** Checks that a signed request is still valid and not valid for ever; undefined when it is fine. */
export function checkValidity(validUntilMs: bigint, nowMs: bigint): Refusal | undefined {
  // Zero is a field left out, and a negative time cannot even be signed: it is not an old one.
  if (validUntilMs <= 0n) return refuse('MALFORMED', 'the time until which it is valid is missing');
  if (validUntilMs < nowMs) return refuse('EXPIRED', 'the validity of the request is over');
  if (validUntilMs > nowMs + LIMITS.validityMaxMs) {
    return refuse('MALFORMED', 'valid_until_ms is too far ahead');
  }
  return undefined;
}
