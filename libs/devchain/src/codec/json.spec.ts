import { describe, expect, it } from 'vitest';
import { parseJson, printJson, toBytes, toInt } from './json.js';

describe('json', () => {
  it('reads and prints integers beyond 2^53 exactly', () => {
    const text = '{"a":9223372036854775807,"b":5,"c":-9007199254740993,"d":1.5}';
    const value = parseJson(text);
    expect(value).toEqual({ a: 9223372036854775807n, b: 5, c: -9007199254740993n, d: 1.5 });
    expect(printJson(value)).toBe(text);
    expect(printJson({ a: 1n, b: 2 }, true)).toBe('{"a":"1","b":2}');
  });

  it('accepts integers in the spellings clients use', () => {
    expect([toInt(5, 'x'), toInt('5', 'x'), toInt(5n, 'x')]).toEqual([5n, 5n, 5n]);
    for (const bad of [1.5, '0x5', '', null, undefined, 1e30, 1n << 63n, 'NaN', true]) {
      expect(() => toInt(bad, 'x')).toThrow('x must be a 64-bit integer');
    }
  });

  it('accepts hex only', () => {
    expect(toBytes('0xAbcd', 'x').toString('hex')).toBe('abcd');
    for (const bad of ['abc', 'zz', 5, null]) expect(() => toBytes(bad, 'x')).toThrow('hex');
  });

  it('refuses what is not JSON', () => {
    expect(() => parseJson('{')).toThrow('invalid JSON');
  });
});
