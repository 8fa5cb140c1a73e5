import { keccak_256 } from '@noble/hashes/sha3.js';
import { type Address, addressBytes } from './address.js';
import { concatBytes } from './bytes.js';

/** Where a signature counts: it cannot be replayed on another chain or for another vault. */
export type SigningDomain = { readonly chainId: bigint; readonly vaultAddress: Address };

const text = new TextEncoder();
const DOMAIN_TYPE = keccak_256(
  text.encode('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
);
const NAME = keccak_256(text.encode('Swarmledger'));
const VERSION = keccak_256(text.encode('1'));

/** Encodes an unsigned integer as a 32-byte word. */
export function uintWord(value: bigint): Uint8Array {
  if (value < 0n || value >= 2n ** 256n) throw new RangeError('not a uint256');
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
}

/** Encodes an address as a 32-byte word: its 20 bytes, left-padded (TIP-712 drops the 0x41). */
export function addressWord(address: Address): Uint8Array {
  return concatBytes(new Uint8Array(12), addressBytes(address));
}

/** Encodes bytes of any length: their keccak-256. */
export function bytesWord(bytes: Uint8Array): Uint8Array {
  return keccak_256(bytes);
}

/** keccak-256 of a struct type's text, once per type. */
export function typeHash(type: string): Uint8Array {
  return keccak_256(text.encode(type));
}

/** Hash of the signing domain; the same for all messages of one ledger. */
export function domainSeparator(domain: SigningDomain): Uint8Array {
  return keccak_256(
    concatBytes(
      DOMAIN_TYPE,
      NAME,
      VERSION,
      uintWord(domain.chainId),
      addressWord(domain.vaultAddress),
    ),
  );
}

/**
 * The 32 bytes that are signed: keccak-256(0x1901 ‖ domain separator ‖ struct hash), as in TIP-712
 * (TRON's edition of EIP-712). The words are the struct's fields in order, 32 bytes each.
 */
export function typedDataDigest(
  separator: Uint8Array,
  type: Uint8Array,
  words: readonly Uint8Array[],
): Uint8Array {
  const structHash = keccak_256(concatBytes(type, ...words));
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), separator, structHash));
}
