import { describe, expect, it } from 'vitest';
import { TronNodeError } from '../errors.js';
import { type Answer, factKey, judge, keepPace, tooFew } from './agreement.js';

const says = (node: string, value: unknown): Answer<unknown> => ({ node, ok: true, value });
const fails = (node: string, failure: TronNodeError['failure']) => ({
  node,
  ok: false as const,
  error: new TronNodeError(failure, failure),
});

describe('judge', () => {
  it.each([
    ['one node alone', 1, [says('a', 1n)], 'agreed'],
    ['two that say the same', 2, [says('a', 1n), says('b', 1n)], 'agreed'],
    ['two that do not', 2, [says('a', 1n), says('b', 2n)], 'disagreed'],
    ['one of two silent', 2, [says('a', 1n), fails('b', 'timeout')], 'too-few'],
    ['one of three silent', 2, [says('a', 1n), fails('b', 'timeout'), says('c', 1n)], 'agreed'],
    ['one of three lying', 2, [says('a', 1n), says('b', 2n), says('c', 1n)], 'agreed'],
    ['three different', 2, [says('a', 1n), says('b', 2n), says('c', 3n)], 'disagreed'],
    [
      'two against two',
      2,
      [says('a', 1n), says('b', 2n), says('c', 1n), says('d', 2n)],
      'disagreed',
    ],
    ['both refuse', 2, [fails('a', 'refused'), fails('b', 'refused')], 'agreed'],
    ['one refuses', 2, [fails('a', 'refused'), says('b', 1n)], 'disagreed'],
    [
      'a malformed answer is none',
      2,
      [fails('a', 'malformed'), fails('b', 'malformed')],
      'too-few',
    ],
    ['nobody', 2, [], 'too-few'],
  ] as const)('%s', (_name, needed, answers, kind) => {
    expect(judge(answers, needed).kind).toBe(kind);
  });

  it('names who says something else', () => {
    const verdict = judge([says('a', 1n), says('b', 2n), says('c', 1n)], 2);
    expect(verdict).toMatchObject({ agreeing: ['a', 'c'], dissenters: ['b'] });
    expect(judge([says('a', 1n), says('b', 2n)], 2)).toMatchObject({ groups: [['a'], ['b']] });
  });
});

describe('factKey', () => {
  it.each([
    [
      { a: 1n, b: [new Uint8Array([1, 255])] },
      { b: [Buffer.from([1, 255])], a: 1n },
    ],
    [
      new Map([
        ['x', 1n],
        ['y', 2n],
      ]),
      new Map([
        ['y', 2n],
        ['x', 1n],
      ]),
    ],
    [{ a: undefined, b: 1 }, { b: 1 }],
    [undefined, undefined],
  ])('is the same for equal content: %o', (a, b) => {
    expect(factKey(a)).toBe(factKey(b));
  });

  it.each([
    [1n, 1],
    [1n, '1n'],
    [undefined, 'undefined'],
    [{ a: 1n }, { a: 2n }],
    [[1, 2], [12]],
    [['a,b'], ['a', 'b']],
    [new Map([['x', 1n]]), new Map([['x', 2n]])],
    [new Uint8Array([1]), '0x01'],
    [{ owner: undefined, actives: [] }, undefined],
  ])('differs where content does: %o and %o', (a, b) => {
    expect(factKey(a)).not.toBe(factKey(b));
  });
});

describe('keepPace', () => {
  const head = (node: string, timestampMs: bigint) => ({
    node,
    head: { number: timestampMs, id: '', timestampMs },
  });
  const names = (list: readonly { node: string }[]) => list.map(({ node }) => node);

  it.each([
    ['all together, lowest first', [12n, 10n, 11n], ['b', 'c', 'a'], []],
    ['one is stale', [100n, 100n, 40n], ['a', 'b'], ['c']],
    ['one invents a time', [100n, 9_999n, 99n], ['c', 'a'], ['b']],
    ['two, of which one is off', [100n, 40n], ['b'], ['a']],
    ['just within', [100n, 80n], ['b', 'a'], []],
  ])('%s', (_name, times, kept, left) => {
    const heads = times.map((time, at) => head('abc'[at] ?? '', time));
    const pace = keepPace(heads, 2, 20n);
    expect(names(pace.kept)).toEqual(kept);
    expect(names(pace.left)).toEqual(left);
  });

  it('keeps nobody when too few answer', () => {
    expect(keepPace([head('a', 1n)], 2, 20n).kept).toEqual([]);
  });
});

describe('tooFew', () => {
  it('is the only node’s own error, and names the silent ones of several', () => {
    const one = fails('a', 'timeout');
    expect(tooFew('x', [one], { nodes: 1, needed: 1 })).toBe(one.error);
    const error = tooFew('x', [one, fails('b', 'overloaded')], { nodes: 3, needed: 2 });
    expect(error.failure).toBe('unreachable');
    expect(error.message).toContain('a (timeout), b (overloaded)');
  });
});
