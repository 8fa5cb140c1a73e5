import { crc32 } from 'node:zlib';
import { LIMITS, LOG_ENTRY_BYTES, type Units } from '#libs/domain';

/**
 * One entry of the voucher log.
 * - `voucher`: the channel owes at least `cumulativeUnits`; `detail` is the validity in ms, `proof` the 64-byte signature.
 * - `tick`: the same by hash chain; `detail` is the tick's index, `proof` its 32-byte preimage.
 * - `finalize`: written by balance only: vouchers stopped some time ago, the remainder may go back.
 */
export type LogEntry = {
  readonly kind: 'voucher' | 'tick' | 'finalize';
  readonly channelNo: bigint;
  readonly cumulativeUnits: Units;
  readonly detail: bigint;
  readonly proof: Uint8Array;
};

/** Why a record cannot be read. Such a record goes to quarantine with its offset. */
export class LogFormatError extends Error {
  override readonly name = 'LogFormatError';
}

const MAGIC = 0x534c5631; // "SLV1": product and layout version in one
const HEADER_BYTES = 12; // magic u32, count u32, CRC-32 of the entries u32; all big-endian
const KINDS = ['voucher', 'tick', 'finalize'] as const;

/** Packs entries, each 96 bytes: kind u8, 7 zero bytes, channel i64, cumulative i64, detail i64, proof 64. */
export function encodeLogRecord(entries: readonly LogEntry[]): Buffer {
  if (entries.length === 0 || entries.length > LIMITS.recordEntriesMax) {
    throw new RangeError(`a record has 1 to ${LIMITS.recordEntriesMax} entries`);
  }
  const record = Buffer.alloc(HEADER_BYTES + entries.length * LOG_ENTRY_BYTES);
  entries.forEach((entry, at) => {
    const base = HEADER_BYTES + at * LOG_ENTRY_BYTES;
    record.writeUInt8(KINDS.indexOf(entry.kind) + 1, base);
    record.writeBigInt64BE(entry.channelNo, base + 8);
    record.writeBigInt64BE(entry.cumulativeUnits, base + 16);
    record.writeBigInt64BE(entry.detail, base + 24);
    record.set(entry.proof.subarray(0, 64), base + 32);
  });
  record.writeUInt32BE(MAGIC, 0);
  record.writeUInt32BE(entries.length, 4);
  record.writeUInt32BE(crc32(record.subarray(HEADER_BYTES)), 8);
  return record;
}

/** Unpacks a record; throws a {@link LogFormatError} that says what is wrong with it. */
export function decodeLogRecord(record: Buffer): LogEntry[] {
  if (record.length < HEADER_BYTES) throw new LogFormatError('record is shorter than its header');
  if (record.readUInt32BE(0) !== MAGIC) throw new LogFormatError('unknown magic or version');
  const count = record.readUInt32BE(4);
  if (record.length !== HEADER_BYTES + count * LOG_ENTRY_BYTES || count === 0) {
    throw new LogFormatError(`length ${record.length} does not fit ${count} entries`);
  }
  if (record.readUInt32BE(8) !== crc32(record.subarray(HEADER_BYTES))) {
    throw new LogFormatError('checksum does not match');
  }
  return Array.from({ length: count }, (_, at) => readEntry(record, at));
}

function readEntry(record: Buffer, at: number): LogEntry {
  const base = HEADER_BYTES + at * LOG_ENTRY_BYTES;
  const kind = KINDS[record.readUInt8(base) - 1];
  if (kind === undefined) throw new LogFormatError(`entry ${at} is of an unknown kind`);
  return {
    kind,
    channelNo: record.readBigInt64BE(base + 8),
    cumulativeUnits: record.readBigInt64BE(base + 16),
    detail: record.readBigInt64BE(base + 24),
    proof: record.subarray(base + 32, base + (kind === 'tick' ? 64 : 96)),
  };
}
