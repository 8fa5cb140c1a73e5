import { z } from 'zod';
import { ConfigError, hostPort, privateFile, secretFile } from '#libs/config';
import { KeySigner, openKeystore, passwordOf, type Signer, SignerError } from '#libs/tron';
import { RemoteSigner } from './grpc/remote-signer.js';

/** Where the hot wallet's key is. Exactly one of the three is set. */
export const keysShape = {
  /** The key in clear, in hex; for local chains only. */
  HOT_WALLET_KEY_FILE: secretFile().optional(),
  /** An encrypted keystore; without the password's file the password is asked for on the terminal. */
  KEYSTORE_FILE: privateFile().optional(),
  KEYSTORE_PASSWORD_FILE: privateFile().optional(),
  /** A process that signs for us, reached over mutual TLS; see services/signer. */
  SIGNER_URL: hostPort().optional(),
  /** Certificates in PEM: of the authority of the signer's certificate, of ours, and our key. */
  SIGNER_CA_FILE: secretFile().optional(),
  SIGNER_CERT_FILE: secretFile().optional(),
  SIGNER_KEY_FILE: privateFile().optional(),
  /** Address of the remote signer's key: deposits are looked for while the signer is away. */
  HOT_WALLET_ADDRESS: z
    .string()
    .regex(/^T[1-9A-HJ-NP-Za-km-z]{33}$/, 'expected a TRON address')
    .optional(),
};

type Values = { readonly [K in keyof typeof keysShape]?: string | undefined };

/** Where the key is, checked. */
export type Keys =
  | { readonly kind: 'clear'; readonly key: string }
  | { readonly kind: 'keystore'; readonly keystore: string; readonly password: string | undefined }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly address: string;
      readonly ca: string;
      readonly certificate: string;
      readonly key: string;
    };

const SOURCES = ['HOT_WALLET_KEY_FILE', 'KEYSTORE_FILE', 'SIGNER_URL'] as const;

/** Reads where the key is. Throws a ConfigError unless exactly one place is named, and wholly. */
export function keysOf(values: Values): Keys {
  const named = SOURCES.filter((name) => values[name] !== undefined);
  if (named.length !== 1) {
    throw new ConfigError(`set exactly one of ${SOURCES.join(', ')}; set are ${named.length}`);
  }
  const { HOT_WALLET_KEY_FILE: key, KEYSTORE_FILE: keystore } = values;
  if (key !== undefined) return { kind: 'clear', key };
  if (keystore !== undefined) {
    return { kind: 'keystore', keystore, password: values.KEYSTORE_PASSWORD_FILE };
  }
  const needed = (name: keyof Values): string => {
    const value = values[name];
    if (value === undefined) throw new ConfigError(`SIGNER_URL needs ${name}`);
    return value;
  };
  return {
    kind: 'remote',
    url: needed('SIGNER_URL'),
    address: needed('HOT_WALLET_ADDRESS'),
    ca: needed('SIGNER_CA_FILE'),
    certificate: needed('SIGNER_CERT_FILE'),
    key: needed('SIGNER_KEY_FILE'),
  };
}

/** Opens the signer; asks for a password when it has to. Throws when the keystore does not open. */
export async function openSigner(keys: Keys, chainId: bigint): Promise<Signer> {
  switch (keys.kind) {
    case 'clear':
      return new KeySigner(keys.key);
    case 'keystore':
      return openKeystore(keys.keystore, await passwordOf(keys.password));
    case 'remote':
      return new RemoteSigner(keys, chainId);
  }
}

/** The signer of a key in clear, for tests and local chains. Throws for any other kind. */
export function clearSigner(keys: Keys): Signer {
  if (keys.kind !== 'clear') throw new SignerError('the key is not in clear');
  return new KeySigner(keys.key);
}
