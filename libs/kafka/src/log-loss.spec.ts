import { describe, expect, it } from 'vitest';
import { lossOf } from './log-loss.js';

const log = (...ranges: [bigint, bigint][]) =>
  new Map(ranges.map(([low, high], partition) => [partition, { low, high }]));
const next = (...offsets: bigint[]) =>
  new Map(offsets.map((offset, partition) => [partition, offset]));

describe('what a log lacks', () => {
  it.each([
    ['it is new', next(0n), log([0n, 0n])],
    ['something waits', next(3n), log([0n, 9n])],
    ['all is applied', next(9n), log([0n, 9n])],
    ['all is applied and deleted', next(9n), log([9n, 9n])],
    ['it was deleted up to here', next(4n), log([4n, 9n])],
  ])('is nothing when %s', (_case, offsets, ranges) => {
    expect(lossOf(offsets, ranges)).toBeUndefined();
  });

  it.each([
    ['the end', next(5n), log([0n, 4n]), /partition 0 ends at 4, but everything below 5/],
    ['the start', next(5n), log([6n, 9n]), /partition 0 begins at 6, .* continues from 5/],
    ['a partition', next(0n, 0n), log([0n, 0n]), /partition 1 does not exist/],
  ])('is %s', (_case, offsets, ranges, finding) => {
    expect(lossOf(offsets, ranges)).toMatch(finding);
  });

  it('is nothing when records are applied, written or deleted between the readings', () => {
    expect(lossOf(next(4n), log([6n, 9n]), next(6n))).toBeUndefined();
    expect(lossOf(next(4n), log([0n, 5n]), next(7n))).toBeUndefined();
    expect(lossOf(next(6n), log([0n, 5n]), next(6n))).toMatch(/ends at 5/);
  });

  it('is named for every partition, in their order', () => {
    const finding = lossOf(next(2n, 0n, 1n), log([0n, 1n], [0n, 0n], [2n, 2n]));
    expect(finding?.split('; ').map((text) => text.slice(0, 11))).toEqual([
      'partition 0',
      'partition 2',
    ]);
  });
});
