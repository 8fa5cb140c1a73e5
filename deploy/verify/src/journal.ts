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

/** The operations, and the partitions of the voucher log. */
export const PARTS = [-1, 0, 1, 2, 3, 4, 5, 6, 7];

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

const FIXED_BYTES = 52;
/** Where entry number, line and kind stand among the canonical bytes. */
export const [ENTRY_AT, LINE_AT, KIND_AT] = [10, 18, 22];

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
