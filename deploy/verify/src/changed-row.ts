import { createHash, type Hash } from 'node:crypto';
import { ENTRY_AT, type JournalRow, journalBytes, KIND_AT, LINE_AT } from './journal.js';

// A link says only what all its postings hash to. Which one was changed is found by trying every bit.

/** Hashes that looking for a changed bit may cost, in bytes: some seconds. */
const SEARCH_BYTES_MAX = 2_000_000_000;
const BITS_PER_BYTE = 8;
/** Of what says to which link a posting belongs. */
export const [PART_BITS, ENTRY_BITS] = [16, 64];

/**
 * The posting of a link of which one bit was changed, if that explains why its postings do not have the hash
 * any more. Undefined when it is none of the suspects, or when there are too many to try.
 */
export function changedRow(
  rows: readonly JournalRow[],
  hash: Buffer,
  suspects: ReadonlySet<JournalRow> = new Set(rows),
): JournalRow | undefined {
  const bytes = rows.map(journalBytes);
  const bits = rows.reduce(
    (sum, row, at) => sum + (suspects.has(row) ? (bytes[at]?.length ?? 0) * BITS_PER_BYTE : 0),
    0,
  );
  // On the average half of them comes after the one that is tried.
  if (bits * (lengthOf(bytes) / 2) > SEARCH_BYTES_MAX) return undefined;
  const before = createHash('sha256');
  for (const [at, row] of rows.entries()) {
    const own = bytes[at] as Buffer;
    if (suspects.has(row)) {
      const after = Buffer.concat(bytes.slice(at + 1));
      if (fits(before, own, after, hash)) return row;
    }
    before.update(own);
  }
  return rows.find((row, at) => suspects.has(row) && fitsElsewhere(rows, at, bytes, hash));
}

// A changed entry number or line puts a posting among others: it may belong elsewhere.
function fitsElsewhere(
  rows: readonly JournalRow[],
  at: number,
  bytes: readonly Buffer[],
  hash: Buffer,
): boolean {
  const others = rows.filter((_row, other) => other !== at);
  const rest = Buffer.concat(bytes.filter((_row, other) => other !== at));
  const starts = [0];
  for (const row of others) starts.push((starts.at(-1) ?? 0) + journalBytes(row).length);
  const tried = Buffer.from(bytes[at] as Buffer);
  for (let bit = ENTRY_AT * 8; bit < KIND_AT * 8; bit++) {
    const [byte, mask] = [bit >> 3, 1 << (bit & 7)];
    tried[byte] = (tried[byte] ?? 0) ^ mask;
    const [entryNo, line] = [tried.readBigInt64BE(ENTRY_AT), tried.readInt32BE(LINE_AT)];
    const start = starts[placeAmong(others, entryNo, line)] ?? 0;
    const whole = createHash('sha256').update(rest.subarray(0, start)).update(tried);
    if (whole.update(rest.subarray(start)).digest().equals(hash)) return true;
    tried[byte] = (tried[byte] ?? 0) ^ mask;
  }
  return false;
}

function fits(before: Hash, own: Buffer, after: Buffer, hash: Buffer): boolean {
  const tried = Buffer.from(own);
  for (let bit = 0; bit < own.length * 8; bit++) {
    const [at, mask] = [bit >> 3, 1 << (bit & 7)];
    tried[at] = (own[at] ?? 0) ^ mask;
    if (before.copy().update(tried).update(after).digest().equals(hash)) return true;
    tried[at] = own[at] ?? 0;
  }
  return false;
}

/** The posting that a link has too many: without it the others have the hash. It was another's before its number was changed. */
export function surplusRow(rows: readonly JournalRow[], hash: Buffer): JournalRow | undefined {
  const bytes = rows.map(journalBytes);
  const suspects = rows.length <= triesOf(bytes) ? rows : [oddLine(rows), rows.at(-1), rows[0]];
  const isSurplus = (row: JournalRow | undefined) =>
    row !== undefined && hashOf(bytes.toSpliced(rows.indexOf(row), 1)).equals(hash);
  return suspects.find(isSurplus);
}

/** The numbers that numbers of so many bits have after one bit of them was changed. */
export function near(numbers: readonly bigint[], bits: number): bigint[] {
  return numbers.flatMap((number) =>
    Array.from({ length: bits }, (_, bit) => BigInt.asIntN(bits, number ^ (1n << BigInt(bit)))),
  );
}

/** How many postings of other links {@link lostRow} can try for a link with these. */
export function lostTries(rows: readonly JournalRow[]): number {
  return triesOf(rows.map(journalBytes));
}

/** Of postings of other links the one that was a link's before a bit of its part or entry number was changed. */
export function lostRow(
  rows: readonly JournalRow[],
  link: { readonly part: number; readonly entries: readonly bigint[] },
  others: readonly JournalRow[],
  hash: Buffer,
): JournalRow | undefined {
  const bytes = rows.map(journalBytes);
  const own = new Set(link.entries);
  const fitsHere = (row: JournalRow) => {
    const place = placeAmong(rows, row.entryNo, row.line);
    return hashOf(bytes.toSpliced(place, 0, journalBytes(row))).equals(hash);
  };
  return others.find((row) => {
    const entries = row.part === link.part ? near([row.entryNo], ENTRY_BITS) : [row.entryNo];
    const before = entries.filter((entryNo) => own.has(entryNo));
    return before.some((entryNo) => fitsHere({ ...row, part: link.part, entryNo }));
  });
}

/**
 * The posting that does not go with those of its entry: of another moment than they are, or with a line that leaves
 * one out. Of the latter it is the first or the last, since no two have one line.
 */
export function oddLine(rows: readonly JournalRow[]): JournalRow | undefined {
  const entries = [...Map.groupBy(rows, ({ entryNo }) => entryNo).values()];
  for (const lines of entries) {
    const times = [...Map.groupBy(lines, ({ atMs }) => atMs).values()];
    const [usual, ...odd] = times.toSorted((a, b) => b.length - a.length);
    if (usual !== undefined && odd[0] !== undefined) return odd[0][0];
  }
  const gap = entries.find((lines) => lines.some(({ line }, at) => line !== at));
  return gap?.[0] !== undefined && gap[0].line < 0 ? gap[0] : gap?.at(-1);
}

/** Where a posting would stand. */
function placeAmong(rows: readonly JournalRow[], entryNo: bigint, line: number): number {
  const place = rows.findIndex(
    (row) => row.entryNo > entryNo || (row.entryNo === entryNo && row.line > line),
  );
  return place < 0 ? rows.length : place;
}

/** How often all of it may be hashed. */
function triesOf(bytes: readonly Buffer[]): number {
  return Math.floor(SEARCH_BYTES_MAX / Math.max(1, lengthOf(bytes)));
}

function lengthOf(bytes: readonly Buffer[]): number {
  return bytes.reduce((sum, { length }) => sum + length, 0);
}

function hashOf(bytes: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(bytes)).digest();
}
