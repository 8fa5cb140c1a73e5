import { describe, expect, it } from 'vitest';
import { assertLimits, LIMITS } from './limits.js';
import { partitionOf } from './partition.js';

describe('limits', () => {
  it('agree with one another as they are', () => {
    expect(() => assertLimits()).not.toThrow();
  });

  it.each([
    [{ recordBytesMax: 1024 }, /Kafka record/],
    [{ recordEntriesMax: 100 }, /one log record/],
    [{ ingestQueueMax: 10 }, /ingest queue/],
    [{ requestBytesMax: 1000 }, /fit a request/],
  ])('refuse to start with %j', (change, message) => {
    expect(() => assertLimits({ ...LIMITS, ...change } as typeof LIMITS)).toThrow(message);
  });
});

describe('partitions', () => {
  it('spread over all and do not depend on where the bytes lie', () => {
    const ids = Array.from({ length: 256 }, (_, at) => {
      const bytes = new Uint8Array(40);
      bytes[11] = at;
      return bytes.subarray(8, 40);
    });
    expect(new Set(ids.map((id) => partitionOf(id, 8)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
    expect(partitionOf(Uint8Array.of(0, 0, 1, 1), 8)).toBe(257 % 8);
  });
});
