import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** File names of a stack's secrets, below its folder. */
export const SECRET_FILES = {
  internalToken: 'internal-token',
  operatorToken: 'operator-token',
  hotWalletKey: 'hot-wallet.key',
} as const;

/**
 * Makes what is missing: two random tokens and the hot wallet's private key, 32 random bytes in hex each.
 * What exists is never changed, so a repeat is harmless; a file appears whole or not at all.
 * Returns the names of the files that are new.
 */
export function ensureSecrets(folder: string): string[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return Object.values(SECRET_FILES).filter((name) => ensureSecret(join(folder, name)));
}

function ensureSecret(path: string): boolean {
  if (existsSync(path)) return false;
  const scratch = `${path}.${process.pid}`;
  writeFileSync(scratch, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  try {
    // A link fails where a rename would replace: of two jobs at once, one wins and the other keeps its result.
    linkSync(scratch, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(scratch);
  }
}
