import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import {
  addressKey,
  addressOfPublicKey,
  contractAddress,
  parseAddress,
  toBase58,
} from './address.js';

// The USDT contract of the main network, whose two spellings are widely known.
const BASE58 = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
const HEX = '41a614f803b6fd780986a42c78ec9c7f77e6ded13c';

describe('address', () => {
  it('converts between base58check and hex', () => {
    expect(parseAddress(BASE58).toString('hex')).toBe(HEX);
    expect(toBase58(Buffer.from(HEX, 'hex'))).toBe(BASE58);
    expect(parseAddress(`0x${HEX}`).toString('hex')).toBe(HEX);
    expect(addressKey(parseAddress(BASE58))).toBe(HEX.slice(2));
  });

  it('agrees with tronweb on random keys', () => {
    for (let round = 0; round < 20; round++) {
      const { publicKey, address } = utils.accounts.generateAccount();
      const bytes = addressOfPublicKey(Buffer.from(publicKey, 'hex'));
      expect(toBase58(bytes)).toBe(address.base58);
      expect(parseAddress(address.base58)).toEqual(bytes);
    }
  });

  it.each([
    '',
    'T',
    BASE58.replace('t', 'u'),
    BASE58.slice(1),
    `${BASE58}1`,
    `42${HEX.slice(2)}`,
    HEX.slice(2),
    'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj0O',
  ])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow(/address|Address/);
  });

  it('derives contract addresses from transaction and owner', () => {
    const address = contractAddress(Buffer.alloc(32, 1), Buffer.from(HEX, 'hex'));
    expect(address[0]).toBe(0x41);
    expect(address).toHaveLength(21);
    expect(address).not.toEqual(contractAddress(Buffer.alloc(32, 2), Buffer.from(HEX, 'hex')));
  });
});
