import { hash } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';

/** SHA-256 digest (32 bytes). */
export function sha256(data: Uint8Array): Buffer {
  return hash('sha256', data, 'buffer');
}

/** Keccak-256 digest (32 bytes), the hash of Ethereum and of TRON's virtual machine. */
export function keccak256(data: Uint8Array): Buffer {
  return Buffer.from(keccak_256(data));
}
