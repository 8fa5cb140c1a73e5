import { describe, expect, it } from 'vitest';
import { BlockIndex } from './block-index.js';

const idOf = (number: number, salt = 0): Buffer => {
  const id = Buffer.alloc(32, salt);
  id.writeBigUInt64BE(BigInt(number));
  return id;
};

describe('block index', () => {
  it('grows, looks up both ways and is cut', () => {
    const index = new BlockIndex();
    for (let number = 0; number < 10_000; number++) index.push(idOf(number), 1_000 + number);
    expect(index.headNumber).toBe(9_999);
    expect(index.timestampOf(7_777)).toBe(8_777);
    expect(index.numberOf(index.idOf(5_000))).toBe(5_000);
    expect(index.numberOf(idOf(5_000, 1))).toBeUndefined();
    expect(index.numberOf(idOf(20_000))).toBeUndefined();
    expect(index.numberOf(Buffer.alloc(3))).toBeUndefined();
    index.truncate(4_999);
    expect(index.numberOf(idOf(5_000))).toBeUndefined();
    expect(() => index.idOf(5_000)).toThrow('there is no block 5000');
    expect(() => index.timestampOf(-1)).toThrow('there is no block');
  });
});
