import { describe, expect, it } from 'vitest';
import { keyPairOf, parsePublicKey, sign, signedBy, verify } from './secp256k1.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const keys = keyPairOf(new Uint8Array(32).fill(1));
const digest = new Uint8Array(32).fill(2);
const signature = sign(digest, keys.privateKey);

const word = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const withS = (s: bigint) => Buffer.concat([signature.subarray(0, 32), word(s)]);
const withR = (r: bigint) => Buffer.concat([word(r), signature.subarray(32)]);
const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);

describe('signatures', () => {
  it('verify for what was signed only', () => {
    expect(verify(digest, signature, keys.publicKey)).toBe(true);
    expect(verify(new Uint8Array(32).fill(3), signature, keys.publicKey)).toBe(false);
    expect(verify(digest, signature, keyPairOf(digest).publicKey)).toBe(false);
  });

  it.each([
    ['high S', withS(ORDER - s)],
    ['S = 0', withS(0n)],
    ['S = n', withS(ORDER)],
    ['R = 0', withR(0n)],
    ['R = n', withR(ORDER)],
    ['63 bytes', signature.subarray(0, 63)],
    ['65 bytes', Buffer.concat([signature, Buffer.of(0)])],
    ['nothing', Buffer.alloc(0)],
  ])('are refused with %s', (_name, bytes) => {
    expect(verify(digest, bytes, keys.publicKey)).toBe(false);
  });
});

describe('signatures without a key', () => {
  it('are told by the address of their signer', () => {
    for (let byte = 1; byte <= 8; byte++) {
      const signer = keyPairOf(new Uint8Array(32).fill(byte));
      const signed = sign(digest, signer.privateKey);
      expect(signedBy(digest, signed, signer.address)).toBe(true);
      expect(signedBy(digest, signed, keyPairOf(digest).address)).toBe(byte === 2);
    }
  });

  it.each([
    ['high S', withS(ORDER - s)],
    ['S = 0', withS(0n)],
    ['R = n', withR(ORDER)],
    ['63 bytes', signature.subarray(0, 63)],
    ['nothing', Buffer.alloc(0)],
  ])('are refused with %s', (_name, bytes) => {
    expect(signedBy(digest, bytes, keys.address)).toBe(false);
  });

  it('do not hold for another digest', () => {
    expect(signedBy(new Uint8Array(32).fill(3), signature, keys.address)).toBe(false);
  });
});

describe('public keys', () => {
  it('have one spelling, whatever came in', () => {
    const compressed = Buffer.concat([
      Buffer.of((keys.publicKey[64] ?? 0) % 2 === 0 ? 2 : 3),
      keys.publicKey.subarray(1, 33),
    ]);
    expect(parsePublicKey(compressed)).toEqual(keys.publicKey);
    expect(parsePublicKey(keys.publicKey)).toEqual(keys.publicKey);
  });

  it.each([
    ['hybrid', Buffer.concat([Buffer.of(6), keys.publicKey.subarray(1)])],
    ['off the curve', Buffer.concat([Buffer.of(4), new Uint8Array(64).fill(1)])],
    ['of zeros', new Uint8Array(33)],
    ['too short', keys.publicKey.subarray(0, 64)],
  ])('are refused when %s', (_name, bytes) => {
    expect(parsePublicKey(bytes)).toBeUndefined();
  });
});
