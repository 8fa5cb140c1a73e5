import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from './atomic-file.js';

/** Files that each hold one secret, readable by their owner only. */
export interface SecretFiles {
  readonly internalToken: string;
  readonly operatorToken: string;
  readonly hotWalletKey: string;
  readonly postgresPassword: string;
}

/** A secret is made once: later starts must open the same database and the same wallet. */
function ensureSecret(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileAtomically(path, make(), 0o600);
  return path;
}

/** A leading zero byte keeps the number below the order of secp256k1, whatever the rest. */
function randomPrivateKeyHex(): string {
  return `00${randomBytes(31).toString('hex')}`;
}

export function ensureSecrets(folder: string): SecretFiles {
  const token = () => randomBytes(24).toString('base64url');
  return {
    internalToken: ensureSecret(join(folder, 'internal-token'), token),
    operatorToken: ensureSecret(join(folder, 'operator-token'), token),
    hotWalletKey: ensureSecret(join(folder, 'hot-wallet.key'), randomPrivateKeyHex),
    postgresPassword: ensureSecret(join(folder, 'postgres-password'), token),
  };
}

export function readSecret(path: string): string {
  return readFileSync(path, 'utf8').trim();
}
