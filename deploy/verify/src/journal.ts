import { createHash, type Hash } from 'node:crypto';

/** A posting as the journal holds it. */
export type JournalRow = {
  readonly atMs: bigint;
  readonly part: number;
  readonly entryNo: bigint;
  readonly line: number;
  readonly kind: number;
  readonly debitKind: number;
  readonly debitNo: bigint;
  readonly creditKind: number;
  readonly creditNo: bigint;
  readonly units: bigint;
  readonly reference: Buffer | null;
};

/** Columns of a posting for a select over `ledger.journal j`. */
export const JOURNAL_COLUMNS = `j.at_ms as "atMs", j.part, j.entry_no as "entryNo", j.line, j.kind,
  j.debit_kind as "debitKind", j.debit_no as "debitNo", j.credit_kind as "creditKind",
  j.credit_no as "creditNo", j.units, j.reference`;

/** Which kinds of ledger accounts a kind of posting debits and may credit; migrations/0001_ledger.sql has the numbers. */
const SIDES: Readonly<Record<number, readonly [debit: number, ...credits: number[]]>> = {
  1: [6, 1, 7],
  2: [1, 1],
  3: [2, 1],
  4: [1, 2],
  5: [2, 1],
  6: [1, 3],
  7: [3, 1],
  8: [3, 2],
  9: [1, 4],
  10: [4, 6],
  11: [4, 5],
  12: [4, 1],
  13: [7, 1],
};
/** Payments and endings of channels are booked by the voucher log, everything else by operations. */
const BY_LOG = new Set([3, 5]);

/** Hashes that looking for a changed bit may cost, in bytes. */
const SEARCH_BYTES_MAX = 2_000_000_000;
const FIXED_BYTES = 52;
/** Where some of them stand. */
const [ENTRY_AT, LINE_AT, KIND_AT] = [10, 18, 22];

/** The canonical bytes of a posting, as migrations/0008_flush_chain.sql says. */
export function journalBytes(row: JournalRow): Buffer {
  const bytes = Buffer.alloc(FIXED_BYTES);
  bytes.writeBigInt64BE(row.atMs, 0);
  bytes.writeInt16BE(row.part, 8);
  bytes.writeBigInt64BE(row.entryNo, ENTRY_AT);
  bytes.writeInt32BE(row.line, LINE_AT);
  bytes.writeInt16BE(row.kind, KIND_AT);
  bytes.writeInt16BE(row.debitKind, 24);
  bytes.writeBigInt64BE(row.debitNo, 26);
  bytes.writeInt16BE(row.creditKind, 34);
  bytes.writeBigInt64BE(row.creditNo, 36);
  bytes.writeBigInt64BE(row.units, 44);
  return Buffer.concat([bytes, row.reference ?? Buffer.alloc(0)]);
}

/** Names a posting. */
export function journalKey(row: Pick<JournalRow, 'part' | 'entryNo' | 'line' | 'atMs'>): string {
  return `part ${row.part}, entry ${row.entryNo}, line ${row.line}, at ${row.atMs}`;
}

/** What is wrong with a posting by itself, or undefined. */
export function postingProblem(row: JournalRow): string | undefined {
  const sides = SIDES[row.kind];
  if (sides === undefined) return `no kind ${row.kind} of postings exists`;
  const [debit, ...credits] = sides;
  if (row.debitKind !== debit || !credits.includes(row.creditKind)) {
    return `kind ${row.kind} moves from ${debit} to ${credits.join(' or ')}, not from ${row.debitKind} to ${row.creditKind}`;
  }
  if (BY_LOG.has(row.kind) !== row.part >= 0)
    return `kind ${row.kind} is not booked in part ${row.part}`;
  return undefined;
}

/**
 * The posting of a link of which one bit was changed, if that explains why its postings do not have the hash
 * any more. Undefined when nothing does, or when there are too many postings to try.
 */
export function changedRow(rows: readonly JournalRow[], hash: Buffer): JournalRow | undefined {
  const bytes = rows.map(journalBytes);
  const total = bytes.reduce((sum, { length }) => sum + length, 0);
  if (total * total * 4 > SEARCH_BYTES_MAX) return undefined;
  const before = createHash('sha256');
  for (const [at, row] of rows.entries()) {
    const own = bytes[at] as Buffer;
    const after = Buffer.concat(bytes.slice(at + 1));
    if (fits(before, own, after, hash)) return row;
    before.update(own);
  }
  return rows.find((_row, at) => fitsElsewhere(rows, at, bytes, hash));
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
    const isAfter = (row: JournalRow) =>
      row.entryNo > entryNo || (row.entryNo === entryNo && row.line > line);
    const place = others.findIndex(isAfter);
    const start = starts[place < 0 ? others.length : place] ?? 0;
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
