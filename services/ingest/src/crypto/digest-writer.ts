import type { IHasher } from 'hash-wasm';
import { TYPES, typeHash } from '#libs/domain';
import { BUNDLE, HASH_BYTES, VOUCHER } from './proof-layout.js';

const WORD_BYTES = 32;
const VOUCHER_WORDS = 4;
const BUNDLE_WORDS = 3;

/**
 * The TIP-712 digests of vouchers and bundles, made from the bytes of a batch without an object per
 * field. They equal those of `Digests` in libs/domain.
 */
export class DigestWriter {
  readonly #keccak: IHasher;
  readonly #voucher = struct(TYPES.Voucher, VOUCHER_WORDS);
  readonly #bundle = struct(TYPES.Bundle, BUNDLE_WORDS);
  readonly #signed = new Uint8Array(2 + 2 * HASH_BYTES);

  /** `keccak` is a keccak-256; `separator` the hash of the signing domain. */
  constructor(keccak: IHasher, separator: Uint8Array) {
    this.#keccak = keccak;
    this.#signed.set([0x19, 0x01]);
    this.#signed.set(separator, 2);
  }

  /** What the payer of the voucher at `at` had to sign. */
  voucher(bytes: Uint8Array, at: number): Uint8Array {
    const words = this.#voucher;
    words.set(bytes.subarray(at + VOUCHER.channelId, at + VOUCHER.payee), WORD_BYTES);
    setLast(words, 2, bytes.subarray(at + VOUCHER.payee, at + VOUCHER.cumulative));
    setLast(words, 3, bytes.subarray(at + VOUCHER.cumulative, at + VOUCHER.validUntil));
    setLast(words, 4, bytes.subarray(at + VOUCHER.validUntil, at + VOUCHER.bytes));
    return this.#digest(words);
  }

  /** What the payer of the bundle at `at` had to sign, given the root over its entries. */
  bundle(bytes: Uint8Array, at: number, root: Uint8Array): Uint8Array {
    const words = this.#bundle;
    words.set(root, WORD_BYTES);
    setLast(words, 2, bytes.subarray(at + BUNDLE.count, at + BUNDLE.key));
    setLast(words, 3, bytes.subarray(at + BUNDLE.validUntil, at + BUNDLE.bytes));
    return this.#digest(words);
  }

  #digest(words: Uint8Array): Uint8Array {
    this.#signed.set(this.#hash(words), 2 + HASH_BYTES);
    return this.#hash(this.#signed);
  }

  #hash(bytes: Uint8Array): Uint8Array {
    return this.#keccak.init().update(bytes).digest('binary');
  }
}

// The type's hash and room for its words, of which only the last bytes ever change.
function struct(type: string, words: number): Uint8Array {
  const bytes = new Uint8Array((1 + words) * WORD_BYTES);
  bytes.set(typeHash(type));
  return bytes;
}

function setLast(words: Uint8Array, word: number, value: Uint8Array): void {
  words.set(value, (word + 1) * WORD_BYTES - value.length);
}
