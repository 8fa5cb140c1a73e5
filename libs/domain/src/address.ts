import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, equalBytes } from './bytes.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX = 0x41;
const BYTES = 25;
const LIMB = 2 ** 32;
/** Value of each digit by its character code, -1 for what is no digit. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) =>
  ALPHABET.indexOf(String.fromCharCode(code)),
);

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

// 25 bytes that start with 0x41 always fill 34 digits, so no leading zero digit needs care. Two digits
// at a time and limbs of 32 bits: all sums stay exact, below 2^44, and no big integer is made.
function unbase58(text: string): Uint8Array | undefined {
  const limbs = [0, 0, 0, 0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 2) {
    const high = DIGITS[text.charCodeAt(at)] ?? -1;
    const low = DIGITS[text.charCodeAt(at + 1)] ?? -1;
    if (high < 0 || low < 0) return undefined;
    let carry = high * 58 + low;
    for (let limb = 0; limb < limbs.length; limb++) {
      const sum = (limbs[limb] ?? 0) * (58 * 58) + carry;
      carry = Math.floor(sum / LIMB);
      limbs[limb] = sum - carry * LIMB;
    }
  }
  const bytes = new Uint8Array(BYTES);
  for (let byte = 0; byte < BYTES; byte++) {
    bytes[BYTES - 1 - byte] = Math.floor((limbs[byte >> 2] ?? 0) / 2 ** (8 * (byte & 3)));
  }
  return (limbs[6] ?? 0) < 256 ? bytes : undefined;
}
