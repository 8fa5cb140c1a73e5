import { keccak256, sha256 } from './hash.js';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX = 0x41;

/** An address is the wrong length, has the wrong prefix or a wrong checksum. */
export class AddressError extends Error {}

/** Encodes 21 address bytes (0x41 first) as the base58check text that starts with `T`. */
export function toBase58(address: Uint8Array): string {
  const checked = Buffer.concat([address, sha256(sha256(address)).subarray(0, 4)]);
  let number = BigInt(`0x${checked.toString('hex')}`);
  let text = '';
  while (number > 0n) {
    text = (ALPHABET[Number(number % 58n)] ?? '') + text;
    number /= 58n;
  }
  for (const byte of checked) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return text;
}

function fromBase58(text: string): Buffer {
  let number = 0n;
  for (const letter of text) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) throw new AddressError('invalid base58 character in address');
    number = number * 58n + BigInt(digit);
  }
  const bytes = Buffer.from(number.toString(16).padStart(50, '0'), 'hex');
  const body = bytes.subarray(0, 21);
  const checksum = sha256(sha256(body)).subarray(0, 4);
  if (bytes.length !== 25 || !checksum.equals(bytes.subarray(21))) {
    throw new AddressError('invalid address checksum');
  }
  return body;
}

/**
 * Reads an address given as `41…` hex (42 characters) or as base58check.
 * @returns 21 bytes. @throws AddressError for anything else.
 */
export function parseAddress(text: string): Buffer {
  const plain = text.startsWith('0x') ? text.slice(2) : text;
  if (plain.length === 42 && /^[0-9a-fA-F]+$/.test(plain)) {
    const bytes = Buffer.from(plain, 'hex');
    if (bytes[0] === PREFIX) return bytes;
  }
  const bytes = plain.length === 34 ? fromBase58(plain) : undefined;
  if (bytes?.[0] !== PREFIX) throw new AddressError('Invalid address');
  return bytes;
}

/** The state's key of an address: the 20 bytes without prefix, as 40 lower-case hex characters. */
export function addressKey(address: Uint8Array): string {
  return Buffer.from(address.buffer, address.byteOffset, address.length)
    .subarray(address.length - 20)
    .toString('hex');
}

/** 21 bytes with the 0x41 prefix from a state key. */
export function addressFromKey(key: string): Buffer {
  return Buffer.from(`41${key}`, 'hex');
}

/** Address of an uncompressed public key (65 bytes, or 64 without its leading 0x04). */
export function addressOfPublicKey(publicKey: Uint8Array): Buffer {
  const body = publicKey.length === 65 ? publicKey.subarray(1) : publicKey;
  return Buffer.concat([Buffer.of(PREFIX), keccak256(body).subarray(12)]);
}

/** Address of the contract that transaction `txId` of `owner` creates. */
export function contractAddress(txId: Uint8Array, owner: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(PREFIX), keccak256(Buffer.concat([txId, owner])).subarray(12)]);
}
