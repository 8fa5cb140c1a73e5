import { SignerError, TronNodeError } from '#libs/tron';

/** Why something cannot be signed now, when a node or the signer is why; rethrows every other error. */
export function notNow(error: unknown): string {
  if (error instanceof SignerError) return error.message;
  if (error instanceof TronNodeError) return `the chain cannot be relied on: ${error.message}`;
  throw error;
}
