import { describe, expect, it } from 'vitest';
import {
  ASSET_NUMBERS,
  ASSETS,
  LIMITS,
  REASONS,
  WITHDRAWAL_STATES,
  withdrawalStateOf,
} from '#libs/domain';
import {
  Asset,
  assetFromWire,
  decodeLogRecord,
  encodeLogRecord,
  type LogEntry,
  LogFormatError,
  packageDefinition,
  Reason,
  reasonFromWire,
  reasonToWire,
  TOPICS,
  WithdrawalState,
} from './index.js';

describe('the wire and the domain', () => {
  it('know the same reasons', () => {
    const wire = Object.keys(Reason).filter((key) => !/^\d+$/.test(key) && key !== 'UNSPECIFIED');
    expect(wire).toEqual([...REASONS]);
    for (const name of REASONS) expect(reasonFromWire(reasonToWire(name))).toBe(name);
    expect(reasonFromWire(Reason.UNSPECIFIED)).toBeUndefined();
  });

  it('number the assets alike', () => {
    for (const name of ASSETS) expect(Asset[name]).toBe(ASSET_NUMBERS[name]);
    expect(assetFromWire(Asset.UNSPECIFIED)).toBeUndefined();
  });

  it('number the states of a withdrawal alike', () => {
    const wire = Object.entries(WithdrawalState)
      .filter(([name, number]) => /^[A-Z]+$/.test(name) && Number(number) > 0)
      .map(([name, number]) => [name.toLowerCase(), number]);
    expect(Object.fromEntries(wire)).toEqual(WITHDRAWAL_STATES);
    for (const [name, number] of Object.entries(WITHDRAWAL_STATES)) {
      expect(withdrawalStateOf(number)).toBe(name);
    }
    expect(() => withdrawalStateOf(0)).toThrow('unknown withdrawal state 0');
  });

  it('put channels and their vouchers into the same partitions', () => {
    expect(TOPICS.channels.partitions).toBe(TOPICS.vouchers.partitions);
    expect(Object.keys(packageDefinition(['LedgerService']))).toEqual([
      'swarmledger.v1.LedgerService',
    ]);
  });
});

describe('voucher-log records', () => {
  const voucher: LogEntry = {
    kind: 'voucher',
    channelNo: 7n,
    cumulativeUnits: 2n ** 62n,
    detail: 1_800_000_000_000n,
    proof: Buffer.alloc(64, 3),
  };
  const tick: LogEntry = { ...voucher, kind: 'tick', detail: 12n, proof: Buffer.alloc(32, 4) };
  const finalize: LogEntry = { ...voucher, kind: 'finalize', proof: Buffer.alloc(0) };

  it('read back as they were written', () => {
    const entries = decodeLogRecord(encodeLogRecord([voucher, tick, finalize]));
    expect(entries[0]).toEqual(voucher);
    expect(entries[1]).toEqual(tick);
    expect(entries[2]).toMatchObject({ kind: 'finalize', channelNo: 7n });
  });

  it('fit a Kafka record when full and refuse more', () => {
    const full = encodeLogRecord(Array<LogEntry>(LIMITS.recordEntriesMax).fill(voucher));
    expect(full.length).toBeLessThanOrEqual(LIMITS.recordBytesMax);
    expect(() => encodeLogRecord(Array(LIMITS.recordEntriesMax + 1).fill(voucher))).toThrow(
      RangeError,
    );
    expect(() => encodeLogRecord([])).toThrow(RangeError);
  });

  it('are refused after any single bit has changed', () => {
    const good = encodeLogRecord([voucher, tick]);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => decodeLogRecord(bad)).toThrow(LogFormatError);
    }
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a header only', Buffer.from('534c56310000000000000000', 'hex')],
    ['text', Buffer.from('hello, this is not a record')],
    ['a cut record', encodeLogRecord([voucher]).subarray(0, 80)],
    ['a longer record', Buffer.concat([encodeLogRecord([voucher]), Buffer.alloc(1)])],
  ])('are refused when they are %s', (_name, bytes) => {
    expect(() => decodeLogRecord(bytes)).toThrow(LogFormatError);
  });
});
