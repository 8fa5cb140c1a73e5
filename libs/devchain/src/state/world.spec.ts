import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addAsset, assetOf } from './accounts.js';
import { type Changes, get, Overlay, World } from './world.js';

const changes = (...entries: [string, bigint | undefined][]): Changes =>
  new Map(entries.map(([id, value]) => [`asset/${id}` as const, value]));

describe('world', () => {
  it('looks back over blocks and undoes them', () => {
    const world = new World(3);
    world.apply(1, changes(['a', 1n]));
    world.apply(2, changes(['a', 2n], ['b', 5n]));
    world.apply(3, changes(['a', undefined]));
    const seen = [1, 2, 3].map((number) => get(world.at(number), 'asset', 'a'));
    expect(seen).toEqual([1n, 2n, undefined]);
    expect(get(world.at(1), 'asset', 'b')).toBeUndefined();
    world.revert(3);
    world.revert(2);
    expect(get(world, 'asset', 'a')).toBe(1n);
    expect(get(world, 'asset', 'b')).toBeUndefined();
    expect(() => world.revert(5)).toThrow('cannot be undone');
  });

  it('forgets how to undo old blocks', () => {
    const world = new World(2);
    for (const number of [1, 2, 3]) world.apply(number, changes(['a', BigInt(number)]));
    world.revert(3);
    world.revert(2);
    expect(() => world.revert(1)).toThrow('cannot be undone');
  });
});

describe('overlay', () => {
  it('behaves like copies of a map under nested checkpoints', () => {
    const step = fc.oneof(
      fc.record({
        op: fc.constant('set' as const),
        id: fc.constantFrom('a', 'b', 'c'),
        value: fc.option(fc.bigInt({ min: 0n, max: 9n }), { nil: undefined }),
      }),
      fc.record({
        op: fc.constantFrom('checkpoint' as const, 'commit' as const, 'revert' as const),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const overlay = new Overlay(new World(1));
        let model = new Map<string, bigint | undefined>();
        const saved: (typeof model)[] = [];
        for (const action of steps) {
          if (action.op === 'set') {
            overlay.set('asset', action.id, action.value);
            model.set(action.id, action.value);
          } else if (action.op === 'checkpoint') {
            overlay.checkpoint();
            saved.push(new Map(model));
          } else if (saved.length > 0) {
            const before = saved.pop();
            if (action.op === 'commit') overlay.commit();
            else {
              overlay.revert();
              model = before ?? model;
            }
          }
          for (const id of ['a', 'b', 'c']) expect(get(overlay, 'asset', id)).toBe(model.get(id));
        }
      }),
    );
  });

  it('refuses negative balances', () => {
    const overlay = new Overlay(new World(1));
    addAsset(overlay, 'x', '1', 5n);
    expect(() => addAsset(overlay, 'x', '1', -6n)).toThrow('negative');
    expect(assetOf(overlay, 'x', '1')).toBe(5n);
  });
});
