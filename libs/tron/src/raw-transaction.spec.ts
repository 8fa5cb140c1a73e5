import { describe, expect, it } from 'vitest';
import { bytesField, intField, message } from './protobuf.js';
import { readRaw } from './raw-transaction.js';

const transfer = (...more: Uint8Array[]) =>
  message(
    bytesField(1, Buffer.from('1002000')),
    bytesField(2, Uint8Array.of(0x41, 1)),
    bytesField(3, Uint8Array.of(0x41, 2)),
    intField(4, 9n),
    ...more,
  );
const raw = (value: Uint8Array, type = 2n) =>
  bytesField(11, message(intField(1, type), bytesField(2, bytesField(2, value))));
const FACTS = {
  type: 'TransferAssetContract',
  owner_address: '4101',
  asset_name: Buffer.from('1002000').toString('hex'),
  to_address: '4102',
  amount: 9n,
};

describe('readRaw', () => {
  it('reads a TRC-10 transfer, and nothing of a type that does not matter', () => {
    expect(readRaw(raw(transfer()))).toEqual(FACTS);
    expect(readRaw(raw(transfer(), 51n))).toBeUndefined();
    expect(readRaw(raw(transfer(), 999n))).toBeUndefined();
  });

  it('reads who owns a stake, a vote or a change of permissions, and nothing else of it', () => {
    const owned = message(bytesField(1, Uint8Array.of(0x41, 7)), bytesField(2, Uint8Array.of(8)));
    for (const type of [0n, 4n, 11n, 30n, 46n, 54n, 57n]) {
      expect(readRaw(raw(owned, type))).toEqual({ type: '', owner_address: '4107' });
    }
    for (const type of [10n, 19n]) {
      expect(readRaw(raw(owned, type))).toEqual({ type: '', owner_address: '08' });
    }
  });

  it('takes the last of a field that comes twice, as nodes do', () => {
    expect(readRaw(raw(transfer(intField(4, 10n))))).toEqual({ ...FACTS, amount: 10n });
  });

  it.each([
    ['a field of another type', bytesField(9, Uint8Array.of(1))],
    ['a field of 8 bytes', Uint8Array.of(0x49, 1, 2, 3, 4, 5, 6, 7, 8)],
    ['a field of 4 bytes', Uint8Array.of(0x4d, 1, 2, 3, 4)],
    // A group of field 9 that holds an amount.
    ['a group', message(Uint8Array.of(0x4b), intField(4, 99n), Uint8Array.of(0x4c))],
  ])('looks past %s', (_what, more) => {
    expect(readRaw(raw(transfer(more)))).toEqual(FACTS);
  });

  it.each([
    ['cut off', raw(transfer()).subarray(0, -1)],
    ['of a wire type that is none', raw(Uint8Array.of(0x4e))],
    ['a group that never ends', raw(transfer(Uint8Array.of(0x4b)))],
    ['the end of no group', raw(transfer(Uint8Array.of(0x4c)))],
    ['an integer without end', raw(transfer(Uint8Array.from({ length: 12 }, () => 0xff)))],
  ])('refuses bytes that are %s', (_what, bytes) => {
    expect(() => readRaw(bytes)).toThrow(RangeError);
  });
});
