import {
  createCipheriv,
  createDecipheriv,
  randomBytes,
  randomUUID,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { z } from 'zod';
import { type Address, addressBytes, addressFromBytes, fromHex, toHex } from '#libs/domain';
import { KeySigner } from '../signer.js';

// The "Web3 secret storage", version 3, that wallets of Ethereum and TRON write, in its scrypt form:
// https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage
const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`));
const keystoreSchema = z.strictObject({
  version: z.literal(3),
  id: z.string().max(64),
  // The 20 bytes of the address, or TRON's 21.
  address: z.string().regex(/^(0x)?(41)?[0-9a-fA-F]{40}$/),
  crypto: z.strictObject({
    cipher: z.literal('aes-128-ctr'),
    cipherparams: z.strictObject({ iv: hexOf(16) }),
    ciphertext: hexOf(32),
    kdf: z.literal('scrypt'),
    kdfparams: z.strictObject({
      n: z.number().int(),
      r: z.number().int().min(8).max(16),
      p: z.number().int().min(1).max(8),
      dklen: z.literal(32),
      salt: z.string().regex(/^([0-9a-fA-F]{2}){16,64}$/),
    }),
    mac: hexOf(32),
  }),
});

/** Work that a password has to be worth: a guess takes about a second and 256 MiB. */
export const SCRYPT_N = 2 ** 18;
// Less is guessed too fast; more would let a file take the memory of the machine that reads it.
const SCRYPT_N_MIN = 2 ** 14;
const SCRYPT_MEMORY_MAX_BYTES = 512 * 1024 * 1024;
const KEYSTORE_BYTES_MAX = 16 * 1024;
export const PASSWORD_LENGTH_MIN = 12;

/** A keystore or its password is not usable. Its message holds neither key nor password. */
export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
}

type KdfParameters = z.infer<typeof keystoreSchema>['crypto']['kdfparams'];
type Work = Pick<KdfParameters, 'n' | 'r' | 'p'>;

/** Encrypts a private key, 32 bytes of hex. Throws a KeystoreError for a password that is too short. */
export async function encryptKey(
  privateKeyHex: string,
  password: string,
  work: Work = { n: SCRYPT_N, r: 8, p: 1 },
): Promise<string> {
  if (password.length < PASSWORD_LENGTH_MIN) {
    throw new KeystoreError(`a password has at least ${PASSWORD_LENGTH_MIN} characters`);
  }
  const { address } = new KeySigner(privateKeyHex);
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const kdfparams = { ...work, dklen: 32 as const, salt: toHex(salt) };
  const derived = await derive(password, kdfparams);
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(fromHex(privateKeyHex)), cipher.final()]);
  const keystore = {
    version: 3,
    id: randomUUID(),
    address: toHex(addressBytes(address)),
    crypto: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: toHex(iv) },
      ciphertext: toHex(ciphertext),
      kdf: 'scrypt',
      kdfparams,
      mac: toHex(macOf(derived, ciphertext)),
    },
  };
  return `${JSON.stringify(keystore, undefined, 2)}\n`;
}

/**
 * The signer of a keystore. Throws a KeystoreError when it is malformed, its parameters are out of
 * bounds, the password is wrong or the key is not that of its address.
 */
export async function openKeystore(text: string, password: string): Promise<KeySigner> {
  const { crypto, address } = parseKeystore(text);
  const derived = await derive(password, crypto.kdfparams);
  const ciphertext = fromHex(crypto.ciphertext);
  if (!timingSafeEqual(macOf(derived, ciphertext), fromHex(crypto.mac))) {
    throw new KeystoreError('the password is wrong, or the keystore is damaged');
  }
  const iv = fromHex(crypto.cipherparams.iv);
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const key = Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  const signer = new KeySigner(toHex(key));
  key.fill(0);
  derived.fill(0);
  if (toHex(addressBytes(signer.address)) !== address) {
    throw new KeystoreError('the key is not that of the address which the keystore names');
  }
  return signer;
}

/** The address that a keystore claims; that needs no password, and proves nothing. */
export function keystoreAddress(text: string): Address {
  return addressFromBytes(fromHex(parseKeystore(text).address));
}

function parseKeystore(text: string): z.infer<typeof keystoreSchema> {
  if (text.length > KEYSTORE_BYTES_MAX) throw new KeystoreError('the keystore is too large');
  const parsed = keystoreSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new KeystoreError(
      `not a keystore of version 3 with scrypt: ${path || 'unexpected form'}`,
    );
  }
  const { n, r } = parsed.data.crypto.kdfparams;
  const isPowerOfTwo = Number.isInteger(Math.log2(n));
  if (!isPowerOfTwo || n < SCRYPT_N_MIN || 128 * n * r > SCRYPT_MEMORY_MAX_BYTES) {
    throw new KeystoreError(`crypto.kdfparams: scrypt with n = ${n} and r = ${r} is not accepted`);
  }
  const address = parsed.data.address.toLowerCase().slice(-40);
  return { ...parsed.data, address };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function derive(password: string, { n, r, p, dklen, salt }: KdfParameters): Promise<Buffer> {
  const limits = { N: n, r, p, maxmem: SCRYPT_MEMORY_MAX_BYTES + 64 * 1024 * 1024 };
  // The specification takes the password as UTF-8; two ways to type an umlaut are one password.
  return scryptAsync(password.normalize('NFKC'), fromHex(salt), dklen, limits);
}

const scryptAsync = promisify(scrypt) as (
  password: string,
  salt: Uint8Array,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer>;

function macOf(derived: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return keccak_256(Buffer.concat([derived.subarray(16, 32), ciphertext]));
}
