import { LOG_BUNDLE, LOG_CLAIM, LOG_KINDS, visitLogRecord } from '#libs/contracts';
import {
  type BlockPlace,
  type Claim,
  firstBundleNo,
  isAccepted,
  readBundleClaims,
  readClaim,
} from './claim.js';

const NONE = -1;
const CAPACITY = 1_024;
/** Channel numbers are counted up from 1: whatever needs more than 53 bits is none. */
const HIGH_WORD_MAX = 2 ** 21;

/** A block of the log; `entry` is one entry of a bundle, or -1 for the whole block. */
type Block = {
  readonly record: number;
  readonly at: number;
  readonly line: number;
  readonly kind: number;
  readonly entry: number;
};

/** A bundle of the log and where it stands. */
export type ColumnBundle = BlockPlace & { readonly bundleNo: bigint };

/** The claim of one channel, as bytes of the log; the same object is shown again for every channel. */
export type ColumnClaim = {
  record: Buffer;
  /** Where number and amount stand, 8 bytes each; a voucher's or tick's further fields follow. */
  at: number;
  bundle: ColumnBundle | undefined;
  /** The last tick that rose above all before it, when a voucher or bundle has won in the end. */
  tick: Buffer | undefined;
  tickAt: number;
};

/**
 * Records of the log, reduced to the highest claim of each channel without an object per entry. Order
 * counts within a channel only: what stands behind its channel's `finalize` is left for the next run.
 */
export class FlushColumns {
  readonly #records: Buffer[] = [];
  readonly #offsets: bigint[] = [];
  readonly #bundleBases: bigint[] = [];
  #flushNo = 0n;
  /** The block being read; one object for all of them. */
  readonly #block = { record: 0, at: 0, line: 0, kind: 0, entry: NONE };
  #bundles: ColumnBundle[] = [];
  #finalized = new Set<number>();
  #deferred: Block[] = [];
  /** What this run was made from: all records, or what the run before has left. */
  #source: readonly Block[] | undefined;
  #outside: Claim[] = [];
  #size = 0;
  #slots = new Int32Array(CAPACITY * 2).fill(NONE);
  #key = new Float64Array(CAPACITY);
  #unitsHigh = new Int32Array(CAPACITY);
  #unitsLow = new Uint32Array(CAPACITY);
  #record = new Int32Array(CAPACITY);
  #at = new Int32Array(CAPACITY);
  #bundle = new Int32Array(CAPACITY);
  #tickRecord = new Int32Array(CAPACITY);
  #tickAt = new Int32Array(CAPACITY);

  /** Adds a record; throws a LogFormatError, having added nothing, when it cannot be read. */
  add(offset: bigint, content: Buffer): void {
    const record = this.#records.length;
    this.#records.push(content);
    this.#offsets.push(offset);
    this.#bundleBases.push(firstBundleNo(this.#flushNo, record));
    try {
      visitLogRecord(content, (kind, at, line) => this.#visit(record, at, line, kind, NONE));
    } catch (error) {
      this.#records.pop();
      this.#offsets.pop();
      this.#bundleBases.pop();
      throw error;
    }
  }

  /** Number of channels with a claim. */
  get size(): number {
    return this.#size;
  }

  /** Channels that end behind their claims. */
  get finalized(): bigint[] {
    return [...this.#finalized].map(BigInt);
  }

  /** Claims on channels that cannot exist. */
  get outside(): readonly Claim[] {
    return this.#outside;
  }

  /** True when something is left for another run. */
  get hasNext(): boolean {
    return this.#deferred.length > 0;
  }

  /** Goes on to what was left. */
  next(): void {
    const source = this.#deferred;
    this.#clearRun();
    this.#source = source;
    for (const { record, at, line, kind, entry } of source) {
      this.#visit(record, at, line, kind, entry);
    }
  }

  /** Forgets everything, and keeps the memory; what is added then belongs to another flush. */
  clear(flushNo = 0n): void {
    this.#flushNo = flushNo;
    this.#bundleBases.length = 0;
    this.#records.length = 0;
    this.#offsets.length = 0;
    this.#source = undefined;
    this.#clearRun();
  }

  /** Shows each channel's claim, by the number of the channel. */
  forEach(visit: (claim: ColumnClaim) => void): void {
    const [first] = this.#records;
    if (first === undefined) return;
    const shown: ColumnClaim = {
      record: first,
      at: 0,
      bundle: undefined,
      tick: undefined,
      tickAt: 0,
    };
    for (const key of this.#key.slice(0, this.#size).sort()) {
      const row = this.#slots[this.#slotOf(key)] ?? 0;
      const record = this.#record[row] ?? 0;
      const at = this.#at[row] ?? 0;
      const tick = this.#tickRecord[row] ?? NONE;
      const tickAt = this.#tickAt[row] ?? 0;
      shown.record = this.#records[record] ?? first;
      shown.at = at;
      shown.bundle = this.#bundles[this.#bundle[row] ?? NONE];
      shown.tick =
        tick === NONE || (tick === record && tickAt === at) ? undefined : this.#records[tick];
      shown.tickAt = tickAt;
      visit(shown);
    }
  }

  /** Those of the run's bundles that have these numbers. */
  bundles(numbers: ReadonlySet<bigint>): ColumnBundle[] {
    const wanted = this.#bundles.filter(({ bundleNo }) => numbers.has(bundleNo));
    // In a later run a bundle is met once for each of its entries that had to wait.
    return [...new Map(wanted.map((bundle) => [bundle.bundleNo, bundle])).values()];
  }

  /** All claims of this run on some channels, in the order of the log. */
  claimsOf(channelNos: ReadonlySet<bigint>): Claim[] {
    const claims: Claim[] = [];
    const ended = new Set<bigint>();
    const visit = (block: Block) => {
      const found = this.#claims(block).filter(
        ({ channelNo }) => channelNos.has(channelNo) && !ended.has(channelNo),
      );
      if (block.kind === LOG_KINDS.finalize)
        for (const { channelNo } of found) ended.add(channelNo);
      else claims.push(...found);
    };
    if (this.#source !== undefined) this.#source.forEach(visit);
    else {
      this.#records.forEach((content, record) => {
        visitLogRecord(content, (kind, at, line) => visit({ record, at, line, kind, entry: NONE }));
      });
    }
    return claims;
  }

  #visit(record: number, at: number, line: number, kind: number, entry: number): void {
    const block = this.#block;
    block.record = record;
    block.at = at;
    block.line = line;
    block.kind = kind;
    block.entry = entry;
    if (kind === LOG_KINDS.bundle) this.#visitBundle(entry);
    else this.#visitClaim(at + LOG_CLAIM.channelNo, NONE);
  }

  #visitBundle(only: number): void {
    const { record, at, line } = this.#block;
    const content = this.#content(record);
    const bundle = this.#bundles.length;
    const place = this.#place(this.#block);
    this.#bundles.push({ ...place, bundleNo: place.bundleBase + BigInt(line) });
    const count = content.readUInt16BE(at + LOG_BUNDLE.count);
    const end = only === NONE ? count : only + 1;
    for (let entry = only === NONE ? 0 : only; entry < end; entry++) {
      if (!isAccepted(content, at, entry)) continue;
      this.#block.entry = entry;
      this.#visitClaim(at + LOG_BUNDLE.bytes + entry * LOG_BUNDLE.entry.bytes, bundle);
    }
  }

  // `at` is where number and amount stand behind one another, which they do in all layouts.
  #visitClaim(at: number, bundle: number): void {
    const { record, kind } = this.#block;
    const content = this.#content(record);
    const high = content.readInt32BE(at);
    if (high < 0 || high >= HIGH_WORD_MAX) {
      if (kind !== LOG_KINDS.finalize) this.#outside.push(...this.#claims(this.#block));
      return;
    }
    const key = high * 2 ** 32 + content.readUInt32BE(at + 4);
    if (this.#finalized.size > 0 && this.#finalized.has(key))
      this.#deferred.push({ ...this.#block });
    else if (kind === LOG_KINDS.finalize) this.#finalized.add(key);
    else this.#raise(key, record, at, bundle);
  }

  #raise(key: number, record: number, at: number, bundle: number): void {
    const content = this.#content(record);
    const high = content.readInt32BE(at + 8);
    const low = content.readUInt32BE(at + 12);
    const slot = this.#slotOf(key);
    let row = this.#slots[slot] ?? NONE;
    if (row === NONE) row = this.#insert(key, slot);
    else {
      const known = this.#unitsHigh[row] ?? 0;
      if (high < known || (high === known && low <= (this.#unitsLow[row] ?? 0))) return;
    }
    this.#unitsHigh[row] = high;
    this.#unitsLow[row] = low;
    this.#record[row] = record;
    this.#at[row] = at;
    this.#bundle[row] = bundle;
    if (bundle === NONE && content[at - LOG_CLAIM.channelNo] === LOG_KINDS.tick) {
      this.#tickRecord[row] = record;
      this.#tickAt[row] = at;
    }
  }

  #insert(key: number, slot: number): number {
    const row = this.#size++;
    this.#key[row] = key;
    this.#tickRecord[row] = NONE;
    this.#slots[slot] = row;
    if (this.#size === this.#key.length) this.#grow();
    return row;
  }

  #grow(): void {
    const rows = this.#size * 2;
    this.#key = grown(this.#key, new Float64Array(rows));
    this.#unitsHigh = grown(this.#unitsHigh, new Int32Array(rows));
    this.#unitsLow = grown(this.#unitsLow, new Uint32Array(rows));
    this.#record = grown(this.#record, new Int32Array(rows));
    this.#at = grown(this.#at, new Int32Array(rows));
    this.#bundle = grown(this.#bundle, new Int32Array(rows));
    this.#tickRecord = grown(this.#tickRecord, new Int32Array(rows));
    this.#tickAt = grown(this.#tickAt, new Int32Array(rows));
    // Half of the slots stay free, so that a search is short.
    this.#slots = new Int32Array(rows * 2).fill(NONE);
    for (let row = 0; row < this.#size; row++) this.#slots[this.#slotOf(this.#key[row] ?? 0)] = row;
  }

  // The slot of a channel, or the free one where it belongs.
  #slotOf(key: number): number {
    const mask = this.#slots.length - 1;
    let slot = (Math.imul(key >>> 0, 0x9e3779b1) >>> 7) & mask;
    for (;;) {
      const row = this.#slots[slot] ?? NONE;
      if (row === NONE || this.#key[row] === key) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #claims(block: Block): Claim[] {
    const place = this.#place(block);
    if (block.kind !== LOG_KINDS.bundle) return [readClaim(place)];
    return readBundleClaims(place, block.entry === NONE ? undefined : block.entry);
  }

  #place({ record, at, line }: Block): BlockPlace {
    return {
      record: this.#content(record),
      offset: this.#offsets[record] ?? 0n,
      at,
      line,
      bundleBase: this.#bundleBases[record] ?? 0n,
    };
  }

  #content(record: number): Buffer {
    const content = this.#records[record];
    if (content === undefined) throw new Error('a block names a record that was not added');
    return content;
  }

  #clearRun(): void {
    this.#bundles = [];
    this.#finalized = new Set();
    this.#deferred = [];
    this.#outside = [];
    this.#size = 0;
    this.#slots.fill(NONE);
  }
}

function grown<A extends Float64Array | Int32Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
