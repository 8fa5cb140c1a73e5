import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A new session cookie: 256 random bits. */
export function newSessionToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What the store knows a session cookie by. */
export function sessionHash(token: string): Buffer {
  return createHash('sha256').update('swarmledger-session:').update(token).digest();
}

/**
 * The value that a page must send with every change. It follows from the cookie, which another site
 * cannot read, so nothing more has to be stored.
 */
export function csrfToken(token: string): string {
  return createHash('sha256').update('swarmledger-csrf:').update(token).digest('base64url');
}

/** Compares secrets in a time that depends on neither their content nor their lengths. */
export function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
