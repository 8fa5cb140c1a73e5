import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '#libs/domain';
import {
  decodeLogRecord,
  encodeLogRecord,
  LOG_BUNDLE,
  type LogBlock,
  LogFormatError,
  LogRecordWriter,
  logBundleBytes,
} from './index.js';

const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const claim = (kind: 'voucher' | 'tick' | 'finalize', proofBytes: number): fc.Arbitrary<LogBlock> =>
  fc.record({
    kind: fc.constant(kind),
    channelNo: int8,
    cumulativeUnits: int8,
    detail: int8,
    proof: bytes(proofBytes),
  });
const bundle: fc.Arbitrary<LogBlock> = fc.record({
  kind: fc.constant('bundle' as const),
  validUntilMs: int8,
  signature: bytes(64),
  entries: fc.array(fc.record({ channelNo: int8, cumulativeUnits: int8, accepted: fc.boolean() }), {
    minLength: 1,
    maxLength: 140,
  }),
});
const blocks = fc.array(
  fc.oneof(claim('voucher', 64), claim('tick', 32), claim('finalize', 64), bundle),
  { minLength: 1, maxLength: 12 },
);

/** Writes a checksum that fits, so that what is behind it gets looked at. */
function resealed(record: Buffer): Buffer {
  record.writeUInt32BE(crc32(record.subarray(12)), 8);
  return record;
}

const EMPTY: LogBlock = {
  kind: 'finalize',
  channelNo: 1n,
  cumulativeUnits: 0n,
  detail: 0n,
  proof: Buffer.alloc(0),
};

describe('a record of the voucher log', () => {
  it('reads back as it was written, bundles too', () => {
    fc.assert(
      fc.property(blocks, (written) => {
        expect(decodeLogRecord(encodeLogRecord(written))).toEqual(written);
      }),
    );
  });

  it('is refused or read, never anything else, however its bytes are changed', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(blocks, fc.array(change, { maxLength: 4 }), fc.nat(), (written, changes, cut) => {
        const record = encodeLogRecord(written);
        for (const { at, byte } of changes) record[12 + (at % (record.length - 12))] = byte;
        const short = resealed(Buffer.from(record.subarray(0, 12 + (cut % record.length))));
        for (const bad of [resealed(record), short]) {
          try {
            decodeLogRecord(bad);
          } catch (error) {
            expect(error).toBeInstanceOf(LogFormatError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of the first version is still read, and may hold no bundle', () => {
    const record = encodeLogRecord([EMPTY, { ...EMPTY, kind: 'voucher', proof: Buffer.alloc(64) }]);
    record.writeUInt32BE(0x534c5631, 0);
    expect(decodeLogRecord(record)).toHaveLength(2);
    const entries = [{ channelNo: 1n, cumulativeUnits: 1n, accepted: true }];
    const signature = Buffer.alloc(64);
    const later = encodeLogRecord([{ kind: 'bundle', validUntilMs: 1n, signature, entries }]);
    later.writeUInt32BE(0x534c5631, 0);
    expect(() => decodeLogRecord(later)).toThrow(LogFormatError);
  });
});

describe('the writer of records', () => {
  const signature = Buffer.alloc(64, 1);
  const entries = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      channelNo: BigInt(at),
      cumulativeUnits: 5n,
      accepted: at % 3 !== 0,
    }));

  it('counts what will be booked, and is empty after each record', () => {
    const writer = new LogRecordWriter();
    expect(() => writer.finish()).toThrow(RangeError);
    expect(writer.addClaim('voucher', 1n, 2n, 3n, signature)).toBe(true);
    expect(writer.addBundle(9n, signature, entries(9))).toBe(true);
    expect(writer.entries).toBe(7);
    expect(writer.finish().length).toBe(12 + 96 + logBundleBytes(9));
    expect(writer.entries).toBe(0);
    // Nothing of a longer field before shines through.
    writer.addClaim('tick', 1n, 2n, 3n, Buffer.alloc(32, 7));
    expect(
      writer
        .finish()
        .subarray(12 + 64)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it('says no before a record grows past its limit, and keeps what it has', () => {
    const writer = new LogRecordWriter(12 + 96 + logBundleBytes(2));
    expect(writer.addClaim('finalize', 1n, 0n, 0n, Buffer.alloc(0))).toBe(true);
    expect(writer.addBundle(9n, signature, entries(3))).toBe(false);
    expect(writer.addBundle(9n, signature, entries(2))).toBe(true);
    expect(writer.addClaim('voucher', 1n, 2n, 3n, signature)).toBe(false);
    expect(decodeLogRecord(writer.finish())).toHaveLength(2);
  });

  it('fills a Kafka record and no more by default', () => {
    const writer = new LogRecordWriter();
    let bundles = 0;
    while (writer.addBundle(9n, signature, entries(LIMITS.bundleEntriesMax))) bundles++;
    const record = writer.finish();
    expect(record.length).toBeLessThanOrEqual(LIMITS.recordBytesMax);
    expect(record.length + logBundleBytes(LIMITS.bundleEntriesMax)).toBeGreaterThan(
      LIMITS.recordBytesMax,
    );
    expect(decodeLogRecord(record)).toHaveLength(bundles);
  });

  it.each([0, LIMITS.bundleEntriesMax + 1])('refuses a bundle of %d entries', (count) => {
    expect(() => new LogRecordWriter().addBundle(9n, signature, entries(count))).toThrow(
      RangeError,
    );
    expect(LOG_BUNDLE.entry.bytes).toBe(16);
  });
});
