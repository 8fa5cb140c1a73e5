import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, equalBytes } from './bytes.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX = 0x41;

/** A TRON address in base58check, `T…`: the id of an account. */
export type Address = string;

/** Address of a 65-byte uncompressed public key: 0x41 ‖ last 20 bytes of keccak-256(X ‖ Y). */
export function addressOfPublicKey(uncompressed: Uint8Array): Address {
  if (uncompressed.length !== 65 || uncompressed[0] !== 4) {
    throw new TypeError('expected a 65-byte uncompressed public key');
  }
  return addressFromBytes(keccak_256(uncompressed.subarray(1)).subarray(12));
}

/** Address of its 20 bytes. */
export function addressFromBytes(bytes20: Uint8Array): Address {
  if (bytes20.length !== 20) throw new TypeError('an address has 20 bytes');
  const payload = concatBytes(Uint8Array.of(PREFIX), bytes20);
  return base58(concatBytes(payload, checksum(payload)));
}

/** The 20 bytes of an address, or undefined when the text is not a TRON address. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.length !== 34 || text[0] !== 'T') return undefined;
  const bytes = unbase58(text);
  if (bytes === undefined || bytes[0] !== PREFIX) return undefined;
  const payload = bytes.subarray(0, 21);
  return equalBytes(checksum(payload), bytes.subarray(21)) ? payload.slice(1) : undefined;
}

/** The 20 bytes of an address already known to be well formed; throws when it is not. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new TypeError(`not a TRON address: ${address}`);
  return bytes;
}

/** True for a well-formed TRON address. */
export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined;
}

function checksum(payload: Uint8Array): Uint8Array {
  return sha256(sha256(payload)).subarray(0, 4);
}

function base58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  while (value > 0n) {
    text = `${ALPHABET[Number(value % 58n)]}${text}`;
    value /= 58n;
  }
  return text;
}

// 25 bytes that start with 0x41 always fill 34 digits, so no leading zero digit needs care.
function unbase58(text: string): Uint8Array | undefined {
  let value = 0n;
  for (const digit of text) {
    const at = ALPHABET.indexOf(digit);
    if (at < 0) return undefined;
    value = value * 58n + BigInt(at);
  }
  const hex = value.toString(16).padStart(50, '0');
  return hex.length === 50 ? Uint8Array.from(Buffer.from(hex, 'hex')) : undefined;
}
