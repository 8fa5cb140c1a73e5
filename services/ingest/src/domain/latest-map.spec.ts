import { describe, expect, it } from 'vitest';
import { LatestMap } from './latest-map.js';

describe('LatestMap', () => {
  it('makes a value once', () => {
    const map = new LatestMap<object>(4);
    expect(map.get('a', () => ({}))).toBe(map.get('a', () => ({})));
  });

  it('keeps what is used, and forgets what was not used for its size', () => {
    const map = new LatestMap<number>(8);
    map.set('used', 1);
    map.set('unused', 2);
    for (let no = 0; no < 8; no++) {
      map.set(`${no}`, no);
      expect(map.find('used')).toBe(1);
    }
    expect(map.find('unused')).toBeUndefined();
    expect(map.find('7')).toBe(7);
  });

  it('never forgets one of the latest half', () => {
    const map = new LatestMap<number>(8);
    const lost: number[] = [];
    for (let no = 0; no < 100; no++) {
      map.set(`${no}`, no);
      for (let back = 0; back < 4 && back <= no; back++) {
        if (map.find(`${no - back}`) !== no - back) lost.push(no);
      }
    }
    expect(lost).toEqual([]);
  });
});
