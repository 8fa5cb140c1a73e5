import { describe, expect, it } from 'vitest';
import { encodeLogRecord, LOG_CLAIM, type LogBlock, type LogEntry } from '#libs/contracts';
import { firstBundleNo } from './claim.js';
import { FlushColumns } from './flush-columns.js';

const claim = (
  kind: LogEntry['kind'],
  channelNo: bigint,
  cumulativeUnits: bigint,
  detail = 0n,
): LogEntry => ({ kind, channelNo, cumulativeUnits, detail, proof: Buffer.alloc(64, 7) });

const bundle = (entries: [channelNo: bigint, units: bigint, accepted: boolean][]): LogBlock => ({
  kind: 'bundle',
  validUntilMs: 9n,
  signature: Buffer.alloc(64, 5),
  entries: entries.map(([channelNo, cumulativeUnits, accepted]) => ({
    channelNo,
    cumulativeUnits,
    accepted,
  })),
});

function columnsOf(...records: LogBlock[][]): FlushColumns {
  const columns = new FlushColumns();
  records.forEach((blocks, at) => {
    columns.add(BigInt(at), encodeLogRecord(blocks));
  });
  return columns;
}

/** Channel, units, number of the bundle, units of a tick beside it. */
function shown(columns: FlushColumns) {
  const rows: (bigint | undefined)[][] = [];
  columns.forEach(({ record, at, bundle: of, tick, tickAt }) => {
    const units = LOG_CLAIM.cumulativeUnits - LOG_CLAIM.channelNo;
    rows.push([
      record.readBigInt64BE(at),
      record.readBigInt64BE(at + units),
      of?.bundleNo,
      tick?.readBigInt64BE(tickAt + units),
    ]);
  });
  return rows;
}

describe('the columns of a flush', () => {
  it('keep the highest claim of each channel, the first of equals, by channel number', () => {
    const columns = columnsOf(
      [claim('voucher', 2n, 5n), claim('voucher', 1n, 9n)],
      [claim('voucher', 2n, 7n), claim('voucher', 1n, 9n), claim('voucher', 2n, 6n)],
    );
    expect(shown(columns)).toEqual([
      [1n, 9n, undefined, undefined],
      [2n, 7n, undefined, undefined],
    ]);
  });

  it('compare amounts of all 64 bits', () => {
    const high = 2n ** 62n;
    const columns = columnsOf([
      claim('voucher', 1n, high + 2n ** 31n),
      claim('voucher', 1n, high + 2n ** 32n),
      claim('voucher', 1n, high + 2n ** 32n - 1n),
      claim('voucher', 2n, -5n),
    ]);
    expect(shown(columns).map(([, units]) => units)).toEqual([high + 2n ** 32n, -5n]);
  });

  it('take the accepted entries of a bundle and say which bundle won', () => {
    const columns = columnsOf(
      [claim('voucher', 1n, 4n)],
      [
        claim('voucher', 3n, 9n),
        bundle([
          [1n, 5n, true],
          [2n, 5n, false],
          [3n, 5n, true],
        ]),
      ],
    );
    const number = firstBundleNo(0n, 1) + 1n;
    expect(shown(columns)).toEqual([
      [1n, 5n, number, undefined],
      [3n, 9n, undefined, undefined],
    ]);
    expect(columns.bundles(new Set([number]))).toHaveLength(1);
    expect(columns.bundles(new Set([0n]))).toEqual([]);
  });

  it('remember the last tick that rose, whoever is above it in the end', () => {
    const columns = columnsOf([
      claim('tick', 1n, 3n, 3n),
      claim('voucher', 1n, 8n),
      claim('tick', 1n, 6n, 6n),
      claim('tick', 2n, 6n, 6n),
    ]);
    expect(shown(columns)).toEqual([
      [1n, 8n, undefined, 3n],
      [2n, 6n, undefined, undefined],
    ]);
  });

  it('leave what stands behind the end of its channel, and only that, for the next run', () => {
    const columns = columnsOf([
      claim('voucher', 1n, 4n),
      claim('finalize', 1n, 0n),
      claim('voucher', 2n, 4n),
      claim('voucher', 1n, 6n),
      bundle([
        [1n, 7n, true],
        [2n, 7n, true],
        [1n, 7n, true],
      ]),
      claim('finalize', 1n, 0n),
    ]);
    expect(shown(columns).map(([no, units]) => [no, units])).toEqual([
      [1n, 4n],
      [2n, 7n],
    ]);
    expect(columns.finalized).toEqual([1n]);
    expect(columns.claimsOf(new Set([1n])).map((c) => c.cumulativeUnits)).toEqual([4n]);
    expect(columns.hasNext).toBe(true);
    columns.next();
    expect(shown(columns)).toEqual([[1n, 7n, firstBundleNo(0n, 0) + 4n, undefined]]);
    expect(columns.bundles(new Set([firstBundleNo(0n, 0) + 4n]))).toHaveLength(1);
    expect(columns.finalized).toEqual([1n]);
    expect(columns.hasNext).toBe(false);
    expect(columns.claimsOf(new Set([1n])).map((c) => c.cumulativeUnits)).toEqual([6n, 7n, 7n]);
  });

  it('set aside channels that no number can mean', () => {
    const columns = columnsOf([
      claim('voucher', -1n, 4n),
      claim('voucher', 2n ** 53n, 4n),
      claim('finalize', -1n, 0n),
      claim('voucher', 2n ** 53n - 1n, 4n),
    ]);
    expect(columns.outside.map(({ channelNo }) => channelNo)).toEqual([-1n, 2n ** 53n]);
    expect(shown(columns).map(([no]) => no)).toEqual([2n ** 53n - 1n]);
    expect(columns.finalized).toEqual([]);
  });

  it('grow, are emptied and take nothing of a record that cannot be read', () => {
    const columns = new FlushColumns();
    const many = Array.from({ length: 5_000 }, (_, at) => claim('voucher', BigInt(at), 1n));
    columns.add(0n, encodeLogRecord(many));
    columns.add(1n, encodeLogRecord(many.map((entry) => ({ ...entry, cumulativeUnits: 2n }))));
    expect(columns.size).toBe(5_000);
    expect(shown(columns).every(([no, units], at) => no === BigInt(at) && units === 2n)).toBe(true);
    expect(() => columns.add(2n, Buffer.from('poison'))).toThrow('shorter than its header');
    expect(columns.size).toBe(5_000);
    columns.clear();
    expect([columns.size, columns.hasNext, shown(columns)]).toEqual([0, false, []]);
  });
});
