import { createCipheriv } from 'node:crypto';
import { scrypt } from '@noble/hashes/scrypt.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { describe, expect, it } from 'vitest';
import { addressBytes, fromHex } from '#libs/domain';
import { KeySigner } from '../signer.js';
import { encryptKey, keystoreAddress, openKeystore } from './keystore.js';

const KEY = '0c'.repeat(32);
const PASSWORD = 'correct horse battery';
// As weak as is accepted, to be fast.
const WORK = { n: 2 ** 14, r: 8, p: 1 };
const keystore = await encryptKey(KEY, PASSWORD, WORK);

const changed = (change: (json: ReturnType<typeof parse>) => unknown) => {
  const json = parse();
  change(json);
  return JSON.stringify(json);
};
const parse = () =>
  JSON.parse(keystore) as {
    version: number;
    address: string;
    extra?: string;
    crypto: {
      cipher: string;
      ciphertext: string;
      kdf: string;
      kdfparams: Record<string, number | string>;
      mac: string;
    };
  };

describe('a keystore', () => {
  it('gives the key back to its password only', async () => {
    const signer = await openKeystore(keystore, PASSWORD);
    expect(signer.address).toBe(new KeySigner(KEY).address);
    expect(keystoreAddress(keystore)).toBe(signer.address);
    await expect(openKeystore(keystore, 'correct horse batterY')).rejects.toThrow('wrong');
  });

  it('holds no key and is another one each time', async () => {
    expect(keystore).not.toContain(KEY);
    const again = await encryptKey(KEY, PASSWORD, WORK);
    expect(parse().crypto.ciphertext).not.toBe(JSON.parse(again).crypto.ciphertext);
  });

  // Made step by step as the specification says, by another library's scrypt, with TRON's longer address.
  it('is read as others write it', async () => {
    const salt = Buffer.alloc(32, 7);
    const iv = Buffer.alloc(16, 9);
    const derived = scrypt(PASSWORD, salt, { N: WORK.n, r: WORK.r, p: WORK.p, dkLen: 32 });
    const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
    const ciphertext = cipher.update(fromHex(KEY));
    const mac = keccak_256(Buffer.concat([derived.subarray(16), ciphertext]));
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();
    const signer = new KeySigner(KEY);
    const text = JSON.stringify({
      address: `41${hex(addressBytes(signer.address))}`,
      crypto: {
        cipher: 'aes-128-ctr',
        cipherparams: { iv: hex(iv) },
        ciphertext: hex(ciphertext),
        kdf: 'scrypt',
        kdfparams: { dklen: 32, ...WORK, salt: hex(salt) },
        mac: hex(mac),
      },
      id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
      version: 3,
    });
    const raw = fromHex('00');
    expect(await (await openKeystore(text, PASSWORD)).sign(raw)).toEqual(await signer.sign(raw));
  });

  it.each([
    ['no JSON', () => '{'],
    ['too large', () => ' '.repeat(20_000)],
    ['another version', () => changed((json) => Object.assign(json, { version: 1 }))],
    ['an unknown field', () => changed((json) => Object.assign(json, { extra: 'x' }))],
    ['another cipher', () => changed((json) => Object.assign(json.crypto, { cipher: 'none' }))],
    ['another kdf', () => changed((json) => Object.assign(json.crypto, { kdf: 'pbkdf2' }))],
    [
      'a short ciphertext',
      () => changed((json) => Object.assign(json.crypto, { ciphertext: '00' })),
    ],
    ['an address of another form', () => changed((json) => Object.assign(json, { address: 'T' }))],
  ])('is refused with %s', async (_name, text) => {
    await expect(openKeystore(text(), PASSWORD)).rejects.toMatchObject({ name: 'KeystoreError' });
  });

  it.each([
    ['n', 2 ** 13],
    ['n', 2 ** 14 + 1],
    ['n', 2 ** 40],
    ['n', 0],
    ['n', -2],
    ['n', 1.5],
    ['r', 0],
    ['r', 1_000],
    ['p', 1_000],
    ['dklen', 16],
    ['salt', '00'],
  ])('is refused with the parameter %s = %s before any work', async (name, value) => {
    const text = changed(({ crypto }) => Object.assign(crypto.kdfparams, { [name]: value }));
    await expect(openKeystore(text, PASSWORD)).rejects.toThrow('kdfparams');
  });

  it('is refused when a bit of it was changed', async () => {
    const flip = (hex: string) => `${hex.startsWith('0') ? '1' : '0'}${hex.slice(1)}`;
    const text = changed(({ crypto }) =>
      Object.assign(crypto, { ciphertext: flip(crypto.ciphertext) }),
    );
    await expect(openKeystore(text, PASSWORD)).rejects.toThrow('damaged');
    const mac = changed(({ crypto }) => Object.assign(crypto, { mac: flip(crypto.mac) }));
    await expect(openKeystore(mac, PASSWORD)).rejects.toThrow('damaged');
    const address = changed((json) => Object.assign(json, { address: flip(json.address) }));
    await expect(openKeystore(address, PASSWORD)).rejects.toThrow('not that of the address');
  });

  it('wants a password of some length and a real key', async () => {
    await expect(encryptKey(KEY, 'short', WORK)).rejects.toThrow('12 characters');
    await expect(encryptKey('00', PASSWORD, WORK)).rejects.toThrow('32 bytes of hex');
    const zero = encryptKey('00'.repeat(32), PASSWORD, WORK);
    await expect(zero).rejects.toThrow();
  });
});
