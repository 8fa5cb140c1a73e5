import { keyPairOf } from '#libs/crypto';
import type { Address } from '#libs/domain';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF = ORDER / 2n;

/**
 * Signs corpora, and nothing else: it uses one nonce for all signatures of a key, which gives the key
 * away to everybody. The keys of a corpus come from a published seed, so there is nothing to give away;
 * in return a signature costs one multiplication instead of a walk over the curve, and millions of
 * valid signatures are ready in a minute. To verify one costs what any other costs.
 */
export class OneNonceSigner {
  /** 65 bytes, uncompressed. */
  readonly publicKey: Uint8Array;
  readonly address: Address;
  readonly #r: Uint8Array;
  readonly #inverse: bigint;
  readonly #constant: bigint;

  /** Takes the private key and the nonce, 32 bytes each; throws when one is no valid scalar. */
  constructor(privateKey: Uint8Array, nonce: Uint8Array) {
    const keys = keyPairOf(privateKey);
    this.publicKey = keys.publicKey;
    this.address = keys.address;
    const r = scalarOf(keyPairOf(nonce).publicKey.subarray(1, 33)) % ORDER;
    this.#r = new Uint8Array(32);
    writeScalar(r, this.#r, 0);
    this.#inverse = inverseOf(scalarOf(nonce));
    this.#constant = (((this.#inverse * r) % ORDER) * scalarOf(privateKey)) % ORDER;
  }

  /** Writes r ‖ s (64 bytes, low-S) of a 32-byte digest to `target` at `at`. */
  sign(digest: Uint8Array, target: Uint8Array, at: number): void {
    const s = (scalarOf(digest) * this.#inverse + this.#constant) % ORDER;
    target.set(this.#r, at);
    writeScalar(s > HALF ? ORDER - s : s, target, at + 32);
  }
}

function scalarOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32);
  return (
    (view.getBigUint64(0) << 192n) |
    (view.getBigUint64(8) << 128n) |
    (view.getBigUint64(16) << 64n) |
    view.getBigUint64(24)
  );
}

function writeScalar(value: bigint, target: Uint8Array, at: number): void {
  const view = new DataView(target.buffer, target.byteOffset + at, 32);
  view.setBigUint64(0, value >> 192n);
  view.setBigUint64(8, BigInt.asUintN(64, value >> 128n));
  view.setBigUint64(16, BigInt.asUintN(64, value >> 64n));
  view.setBigUint64(24, BigInt.asUintN(64, value));
}

// Extended Euclid: the number whose product with `value` is 1 modulo the group's order.
function inverseOf(value: bigint): bigint {
  let [older, old, x0, x1] = [ORDER, value % ORDER, 0n, 1n];
  while (old > 1n) {
    const quotient = older / old;
    [older, old] = [old, older % old];
    [x0, x1] = [x1, x0 - quotient * x1];
  }
  return ((x1 % ORDER) + ORDER) % ORDER;
}
