import { createRequire } from 'node:module';
import { type Address, addressOfPublicKey } from '#libs/domain';

type Native = typeof import('secp256k1');
const require = createRequire(import.meta.url);
const native = loadNative();

// The package falls back to a JavaScript curve that is ten times slower without a word. A ledger
// that is silently ten times slower is broken, so the native binding is required.
function loadNative(): Native {
  try {
    return require('secp256k1/bindings.js') as Native;
  } catch (cause) {
    throw new Error(
      'the native libsecp256k1 binding does not load on this platform; run `npm rebuild secp256k1` with a C compiler installed',
      { cause },
    );
  }
}

/** A key pair; the public key is 65 bytes, uncompressed. */
export type KeyPair = {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly address: Address;
};

/** The key pair of 32 private bytes. Throws when they are not a valid key. */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  const publicKey = native.publicKeyCreate(privateKey, false);
  return { privateKey, publicKey, address: addressOfPublicKey(publicKey) };
}

/** The 65-byte form of a 33- or 65-byte public key, or undefined when it is not a point of the curve. */
export function parsePublicKey(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length !== 33 && bytes.length !== 65) return undefined;
  // The hybrid encodings 06 and 07 are one more spelling of the same key: one key, one spelling.
  if (bytes.length === 65 && bytes[0] !== 4) return undefined;
  try {
    return native.publicKeyConvert(bytes, false);
  } catch {
    return undefined;
  }
}

/** Signs a 32-byte digest; returns r ‖ s, 64 bytes, low-S, deterministic (RFC 6979). */
export function sign(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  return native.ecdsaSign(digest, privateKey).signature;
}

/**
 * True when a 64-byte low-S signature of a 32-byte digest verifies under a 65-byte public key.
 * libsecp256k1 refuses high S by itself; anything of another length is false, not an error.
 */
export function verify(digest: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || digest.length !== 32) return false;
  try {
    return native.ecdsaVerify(signature, digest, publicKey);
  } catch {
    return false;
  }
}

/**
 * True when a 64-byte low-S signature of a 32-byte digest was made with the key of an address, which
 * needs no key: the up to four keys that such a signature fits are recovered and compared. It costs up
 * to five checks, so it is for sessions, not for payments.
 */
export function signedBy(digest: Uint8Array, signature: Uint8Array, address: Address): boolean {
  if (signature.length !== 64 || digest.length !== 32) return false;
  for (let id = 0; id < 4; id++) {
    const key = recover(digest, signature, id);
    // Recovering takes high S too; verifying does not.
    if (key !== undefined && addressOfPublicKey(key) === address) {
      return verify(digest, signature, key);
    }
  }
  return false;
}

function recover(digest: Uint8Array, signature: Uint8Array, id: number): Uint8Array | undefined {
  try {
    return native.ecdsaRecover(signature, id, digest, false);
  } catch {
    return undefined;
  }
}
