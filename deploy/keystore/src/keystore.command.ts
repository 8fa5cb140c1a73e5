import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readPrivateFile } from '#libs/config';
import { encryptKey, KeystoreError, openKeystore, passwordOf, promptSecret } from '#libs/tron';
import type { KeystoreOptions } from './options.js';

/** Carries out a command; returns the address to print. Throws a KeystoreError, never with a secret in it. */
export async function keystoreCommand(
  options: Exclude<KeystoreOptions, { command: 'help' }>,
): Promise<string> {
  const { command, keystore } = options;
  const passwordFile = readPrivate(options.passwordFile, 'the password file');
  if (command === 'address') {
    const text = readPrivate(keystore, 'the keystore') ?? '';
    return (await openKeystore(text, await passwordOf(passwordFile))).address;
  }
  // Before anybody types a password for nothing.
  if (existsSync(keystore)) throw new KeystoreError(`${keystore} exists and is not overwritten`);
  const key = command === 'new' ? newKey() : await importedKey(options.keyFile);
  const password = passwordFile === undefined ? await askTwice() : await passwordOf(passwordFile);
  const text = await encryptKey(key, password);
  store(keystore, text);
  // Read back from the disk: a keystore that does not open is found now, not when it is needed.
  return (await openKeystore(readFileSync(keystore, 'utf8'), password)).address;
}

function newKey(): string {
  // Zero and numbers above the curve's order are no keys; one in 2^128 is one of those, and is refused.
  return randomBytes(32).toString('hex');
}

async function importedKey(keyFile: string | undefined): Promise<string> {
  const text = readPrivate(keyFile, 'the key file') ?? (await promptSecret('Private key in hex'));
  return text.trim().replace(/^0x/, '');
}

async function askTwice(): Promise<string> {
  const password = await promptSecret('New password');
  if (password !== (await promptSecret('The same again'))) {
    throw new KeystoreError('the passwords differ');
  }
  return password;
}

function readPrivate(path: string | undefined, what: string): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readPrivateFile(path);
  } catch (error) {
    throw new KeystoreError(`${what} ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

// A link fails where a rename would replace, and the file appears whole or not at all.
function store(path: string, text: string): void {
  const scratch = `${path}.${process.pid}`;
  writeFileSync(scratch, text, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(scratch, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new KeystoreError(`${path} exists and is not overwritten`);
  } finally {
    rmSync(scratch);
  }
}
