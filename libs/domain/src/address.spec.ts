import { TronWeb } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { keyPairOf } from '#libs/crypto';
import { addressFromBytes, addressOfPublicKey, isAddress, parseAddress } from './address.js';
import { toHex } from './bytes.js';

describe('addresses', () => {
  it('gives the same address as TRON for the same key', () => {
    for (let seed = 1; seed <= 32; seed++) {
      const key = new Uint8Array(32).fill(seed);
      expect(addressOfPublicKey(keyPairOf(key).publicKey)).toBe(
        TronWeb.address.fromPrivateKey(toHex(key)),
      );
    }
  });

  it('reads back what it writes', () => {
    const bytes = Uint8Array.from({ length: 20 }, (_, at) => at * 7);
    expect(parseAddress(addressFromBytes(bytes))).toEqual(bytes);
    expect(parseAddress(addressFromBytes(new Uint8Array(20)))).toEqual(new Uint8Array(20));
  });

  it('reads back any address, whatever its bytes are', () => {
    for (let at = 0; at < 500; at++) {
      const bytes = crypto.getRandomValues(new Uint8Array(20));
      // Zeros and ones at either end are where carries go wrong.
      bytes.fill(at % 3 === 0 ? 0 : 255, 0, at % 21);
      expect(parseAddress(addressFromBytes(bytes))).toEqual(bytes);
    }
  });

  it.each([
    ['', 'empty'],
    ['T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWw', 'too short'],
    ['T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwc', 'a wrong checksum'],
    ['T0yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb', 'a digit outside base58'],
    ['T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuW\u{1f680}', 'a character outside ASCII'],
    [`T${'z'.repeat(33)}`, 'more than 25 bytes'],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', 'an address of another chain'],
  ])('refuses %j: %s', (text) => {
    expect(isAddress(text)).toBe(false);
  });

  it('takes the well-known zero address of TRON', () => {
    expect(isAddress('T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb')).toBe(true);
  });
});
