import { crc32 } from 'node:zlib';
import { LIMITS, LOG_ENTRY_BYTES, type Units } from '#libs/domain';

/**
 * One claim of the voucher log.
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

/** One channel of a bundle: refused ones stay listed, so that the signed root can be recomputed. */
export type LogBundleEntry = {
  readonly channelNo: bigint;
  readonly cumulativeUnits: Units;
  readonly accepted: boolean;
};

/** One signature of a payer over many channels. */
export type LogBundle = {
  readonly kind: 'bundle';
  readonly validUntilMs: bigint;
  readonly signature: Uint8Array;
  readonly entries: readonly LogBundleEntry[];
};

/** What a record is made of, in the order it was accepted. */
export type LogBlock = LogEntry | LogBundle;

/** Why a record cannot be read. Such a record goes to quarantine with its offset. */
export class LogFormatError extends Error {
  override readonly name = 'LogFormatError';
}

/**
 * Layout of a record, all numbers big-endian: a header of 12 bytes (magic u32, number of blocks u32,
 * CRC-32 of the rest u32), then the blocks. Version 1 ("SLV1") has no bundles; it stays readable.
 */
const MAGIC_V1 = 0x534c5631;
const MAGIC_V2 = 0x534c5632;
const HEADER_BYTES = 12;
const KINDS = ['voucher', 'tick', 'finalize'] as const;

/** Numbers of the kinds of blocks, as written. */
export const LOG_KINDS = { voucher: 1, tick: 2, finalize: 3, bundle: 4 } as const;

/** Where the fields of a voucher, tick or finalize are; the bytes between are zero. */
export const LOG_CLAIM = {
  bytes: LOG_ENTRY_BYTES,
  channelNo: 8,
  cumulativeUnits: 16,
  detail: 24,
  proof: 32,
} as const;

/**
 * Where the fields of a bundle are: after 80 bytes come `count` entries of 16 bytes, then a bitmap of
 * those that were accepted (bit i of byte i>>3), filled with zeros to a multiple of 8 bytes.
 */
export const LOG_BUNDLE = {
  bytes: 80,
  count: 2,
  validUntilMs: 8,
  signature: 16,
  entry: { bytes: 16, channelNo: 0, cumulativeUnits: 8 },
} as const;

/** Bytes of a whole bundle block with so many entries. */
export function logBundleBytes(count: number): number {
  return LOG_BUNDLE.bytes + count * LOG_BUNDLE.entry.bytes + Math.ceil(count / 64) * 8;
}

/** Collects the blocks of one record. Reused from record to record: `finish` empties it. */
export class LogRecordWriter {
  readonly #bytesMax: number;
  #buffer = Buffer.alloc(16_384);
  #end = HEADER_BYTES;
  #blocks = 0;
  #entries = 0;

  constructor(bytesMax: number = LIMITS.recordBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Claims written since the last `finish`; of a bundle, those that were accepted. */
  get entries(): number {
    return this.#entries;
  }

  /** Adds a claim; false, with nothing written, when the record is full. */
  addClaim(
    kind: LogEntry['kind'],
    channelNo: bigint,
    cumulativeUnits: Units,
    detail: bigint,
    proof: Uint8Array,
  ): boolean {
    if (!this.#reserve(LOG_CLAIM.bytes)) return false;
    const [buffer, at] = [this.#buffer, this.#end];
    buffer[at] = LOG_KINDS[kind];
    buffer.writeBigInt64BE(channelNo, at + LOG_CLAIM.channelNo);
    buffer.writeBigInt64BE(cumulativeUnits, at + LOG_CLAIM.cumulativeUnits);
    buffer.writeBigInt64BE(detail, at + LOG_CLAIM.detail);
    buffer.set(proof.length > 64 ? proof.subarray(0, 64) : proof, at + LOG_CLAIM.proof);
    this.#end += LOG_CLAIM.bytes;
    this.#blocks++;
    this.#entries++;
    return true;
  }

  /** Adds a bundle with all its entries; false, with nothing written, when the record is full. */
  addBundle(
    validUntilMs: bigint,
    signature: Uint8Array,
    entries: readonly LogBundleEntry[],
  ): boolean {
    const count = entries.length;
    if (count === 0 || count > LIMITS.bundleEntriesMax) {
      throw new RangeError(`a bundle has 1 to ${LIMITS.bundleEntriesMax} entries`);
    }
    const bytes = logBundleBytes(count);
    if (!this.#reserve(bytes)) return false;
    const [buffer, at] = [this.#buffer, this.#end];
    buffer[at] = LOG_KINDS.bundle;
    buffer.writeUInt16BE(count, at + LOG_BUNDLE.count);
    buffer.writeBigInt64BE(validUntilMs, at + LOG_BUNDLE.validUntilMs);
    buffer.set(signature.subarray(0, 64), at + LOG_BUNDLE.signature);
    const bitmap = at + LOG_BUNDLE.bytes + count * LOG_BUNDLE.entry.bytes;
    entries.forEach((entry, index) => {
      const base = at + LOG_BUNDLE.bytes + index * LOG_BUNDLE.entry.bytes;
      buffer.writeBigInt64BE(entry.channelNo, base);
      buffer.writeBigInt64BE(entry.cumulativeUnits, base + LOG_BUNDLE.entry.cumulativeUnits);
      if (!entry.accepted) return;
      const byte = bitmap + (index >> 3);
      buffer[byte] = (buffer[byte] ?? 0) | (1 << (index & 7));
      this.#entries++;
    });
    this.#end += bytes;
    this.#blocks++;
    return true;
  }

  /** The record, a buffer of its own; the writer is empty afterwards. Throws when nothing was added. */
  finish(): Buffer {
    if (this.#blocks === 0) throw new RangeError('a record has at least one entry');
    const record = Buffer.from(this.#buffer.subarray(0, this.#end));
    seal(record, this.#blocks);
    // The next record relies on zeros between its fields.
    this.#buffer.fill(0, 0, this.#end);
    this.#end = HEADER_BYTES;
    this.#blocks = 0;
    this.#entries = 0;
    return record;
  }

  #reserve(bytes: number): boolean {
    const end = this.#end + bytes;
    if (end > this.#bytesMax) return false;
    if (end > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(end, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#end));
      this.#buffer = grown;
    }
    return true;
  }
}

/** Packs blocks into one record; throws a RangeError when they are none or do not fit. */
export function encodeLogRecord(blocks: readonly LogBlock[]): Buffer {
  if (blocks.length === 0 || blocks.length > LIMITS.recordEntriesMax) {
    throw new RangeError(`a record has 1 to ${LIMITS.recordEntriesMax} entries`);
  }
  const writer = new LogRecordWriter();
  for (const block of blocks) {
    const fits =
      block.kind === 'bundle'
        ? writer.addBundle(block.validUntilMs, block.signature, block.entries)
        : writer.addClaim(
            block.kind,
            block.channelNo,
            block.cumulativeUnits,
            block.detail,
            block.proof,
          );
    if (!fits) throw new RangeError(`a record has at most ${LIMITS.recordBytesMax} bytes`);
  }
  return writer.finish();
}

function seal(record: Buffer, blocks: number): void {
  record.writeUInt32BE(MAGIC_V2, 0);
  record.writeUInt32BE(blocks, 4);
  record.writeUInt32BE(crc32(record.subarray(HEADER_BYTES)), 8);
}

/**
 * Told about each block of a record: its kind ({@link LOG_KINDS}), where it begins (see
 * {@link LOG_CLAIM} and {@link LOG_BUNDLE}), and its place in the record.
 */
export type LogVisitor = (kind: number, at: number, index: number) => void;

/**
 * Walks through a record without making an object per entry. The whole record is checked before the
 * first call, so that a visitor never sees half of one. Throws a {@link LogFormatError}.
 */
export function visitLogRecord(record: Buffer, visit: LogVisitor): void {
  const blocks = checkLogRecord(record);
  for (let index = 0, at = HEADER_BYTES; index < blocks; index++) {
    visit(record[at] ?? 0, at, index);
    at += blockBytes(record, at);
  }
}

// Checks everything and returns the number of blocks.
function checkLogRecord(record: Buffer): number {
  if (record.length < HEADER_BYTES) throw new LogFormatError('record is shorter than its header');
  const magic = record.readUInt32BE(0);
  if (magic !== MAGIC_V1 && magic !== MAGIC_V2) {
    throw new LogFormatError('unknown magic or version');
  }
  const blocks = record.readUInt32BE(4);
  const least = HEADER_BYTES + blocks * LOG_CLAIM.bytes;
  if (blocks === 0 || record.length < least || (magic === MAGIC_V1 && record.length !== least)) {
    throw new LogFormatError(`length ${record.length} does not fit ${blocks} entries`);
  }
  if (record.readUInt32BE(8) !== crc32(record.subarray(HEADER_BYTES))) {
    throw new LogFormatError('checksum does not match');
  }
  let at = HEADER_BYTES;
  for (let index = 0; index < blocks; index++) {
    const kind = record[at] ?? 0;
    if (kind < 1 || kind > LOG_KINDS.bundle || (kind === LOG_KINDS.bundle && magic === MAGIC_V1)) {
      throw new LogFormatError(`entry ${index} is of an unknown kind`);
    }
    if (kind === LOG_KINDS.bundle) checkBundle(record, at, index);
    at += blockBytes(record, at);
    if (at > record.length) throw new LogFormatError(`entry ${index} is cut short`);
  }
  if (at !== record.length) {
    throw new LogFormatError(`length ${record.length} does not fit ${blocks} entries`);
  }
  return blocks;
}

function checkBundle(record: Buffer, at: number, index: number): void {
  const count = at + LOG_BUNDLE.bytes > record.length ? 0 : record.readUInt16BE(at + 2);
  if (count === 0 || count > LIMITS.bundleEntriesMax) {
    throw new LogFormatError(`bundle ${index} has ${count} entries`);
  }
}

function blockBytes(record: Buffer, at: number): number {
  return record[at] === LOG_KINDS.bundle
    ? logBundleBytes(record.readUInt16BE(at + LOG_BUNDLE.count))
    : LOG_CLAIM.bytes;
}

/** Unpacks a record into objects: the plain form, which whatever is faster is compared with. */
export function decodeLogRecord(record: Buffer): LogBlock[] {
  const blocks: LogBlock[] = [];
  visitLogRecord(record, (kind, at) => {
    blocks.push(kind === LOG_KINDS.bundle ? readBundle(record, at) : readEntry(record, at));
  });
  return blocks;
}

function readEntry(record: Buffer, at: number): LogEntry {
  const kind = KINDS[(record[at] ?? 0) - 1];
  if (kind === undefined) throw new LogFormatError('an entry is of an unknown kind');
  const proof = at + LOG_CLAIM.proof;
  return {
    kind,
    channelNo: record.readBigInt64BE(at + LOG_CLAIM.channelNo),
    cumulativeUnits: record.readBigInt64BE(at + LOG_CLAIM.cumulativeUnits),
    detail: record.readBigInt64BE(at + LOG_CLAIM.detail),
    proof: record.subarray(proof, proof + (kind === 'tick' ? 32 : 64)),
  };
}

function readBundle(record: Buffer, at: number): LogBundle {
  const count = record.readUInt16BE(at + LOG_BUNDLE.count);
  const first = at + LOG_BUNDLE.bytes;
  const bitmap = first + count * LOG_BUNDLE.entry.bytes;
  const signature = at + LOG_BUNDLE.signature;
  return {
    kind: 'bundle',
    validUntilMs: record.readBigInt64BE(at + LOG_BUNDLE.validUntilMs),
    signature: record.subarray(signature, signature + 64),
    entries: Array.from({ length: count }, (_, index) => {
      const base = first + index * LOG_BUNDLE.entry.bytes;
      return {
        channelNo: record.readBigInt64BE(base),
        cumulativeUnits: record.readBigInt64BE(base + LOG_BUNDLE.entry.cumulativeUnits),
        accepted: (((record[bitmap + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1,
      };
    }),
  };
}
