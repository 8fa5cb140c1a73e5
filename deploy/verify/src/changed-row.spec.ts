import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { changedRow, ENTRY_BITS, lostRow, near, oddLine, surplusRow } from './changed-row.js';
import { type JournalRow, journalBytes } from './journal.js';

const row = (entryNo: bigint, line: number): JournalRow => ({
  ...{ atMs: 1_700_000_000_000n, part: -1, entryNo, line, kind: 10 },
  ...{ debitKind: 4, debitNo: entryNo, creditKind: 6, creditNo: 1n },
  ...{ units: 5n + entryNo, reference: null },
});
const ROWS = [row(11n, 0), row(11n, 1), row(15n, 0), row(15n, 1), row(16n, 0)];
const hashOf = (rows: readonly JournalRow[]) =>
  createHash('sha256')
    .update(Buffer.concat(rows.map(journalBytes)))
    .digest();
/** As the database gives them: in order. */
const sorted = (rows: readonly JournalRow[]) =>
  rows.toSorted((a, b) => Number(a.entryNo - b.entryNo) || a.line - b.line);

describe('changedRow', () => {
  it.each([
    ['units', 2, { units: 4n }],
    ['its line, so that it comes last in its entry', 2, { line: 64 }],
    ['its line, so that it comes first in its entry', 3, { line: -2_147_483_647 }],
    ['its entry, so that it stands among the lines of another', 2, { entryNo: 11n }],
    ['its entry, so that it comes last', 0, { entryNo: 27n }],
  ])('finds the posting of which a bit was changed: %s', (_what, at, change) => {
    const changed = { ...(ROWS[at] as JournalRow), ...change };
    const rows = sorted(ROWS.with(at, changed));
    expect(changedRow(rows, hashOf(ROWS))).toBe(changed);
  });

  it('finds nothing when more was changed, or nothing at all', () => {
    const rows = ROWS.with(0, { ...(ROWS[0] as JournalRow), units: 1n, kind: 11 });
    expect(changedRow(rows, hashOf(ROWS))).toBeUndefined();
    expect(changedRow(ROWS, hashOf(ROWS))).toBeUndefined();
  });
});

// An entry number with another bit may be that of an entry of another link.
describe('a posting that was moved to another link', () => {
  const [own, others] = [ROWS.slice(0, 2), ROWS.slice(2)];
  const moved = { ...(ROWS[1] as JournalRow), entryNo: 15n };

  it('is what the other link has too many', () => {
    const rows = sorted([...others, moved]);
    expect(surplusRow(rows, hashOf(others))).toBe(moved);
    expect(surplusRow(rows, hashOf(own))).toBeUndefined();
  });

  it('is what its own link has lost', () => {
    const link = { part: -1, entries: [11n] };
    const [rest, hash] = [own.slice(0, 1), hashOf(own)];
    expect(near([11n], ENTRY_BITS)).toContain(15n);
    expect(lostRow(rest, link, [...others, moved], hash)).toBe(moved);
    const parted = { ...(ROWS[1] as JournalRow), part: -3 };
    expect(lostRow(rest, link, [...others, parted], hash)).toBe(parted);
    expect(lostRow(rest, link, others, hash)).toBeUndefined();
    expect(lostRow(rest, { part: -1, entries: [12n] }, [moved], hash)).toBeUndefined();
  });
});

// Trying every bit of thousands of postings would take hours.
describe('a link with more postings than can be tried', () => {
  const many = Array.from({ length: 7_000 }, (_, at) => row(BigInt(at >> 1), at & 1));
  const hash = hashOf(many);
  const changed = { ...(many[1_001] as JournalRow), units: 504n };
  const rows = many.with(1_001, changed);

  it('is searched when somebody is suspected', () => {
    expect(changedRow(rows, hash)).toBeUndefined();
    const others = many.slice(0, 3);
    expect(changedRow(rows, hash, new Set([...others, changed]))).toBe(changed);
    expect(changedRow(rows, hash, new Set(others))).toBeUndefined();
  });

  it('has a posting too many that is of another moment, or the last', () => {
    const stranger = { ...row(700n, 2), atMs: 5n };
    expect(surplusRow(sorted([...many, stranger]), hash)).toBe(stranger);
    const last = row(9_000n, 0);
    expect(surplusRow([...many, last], hash)).toBe(last);
    expect(surplusRow([...many, last, row(9_001n, 0)], hash)).toBeUndefined();
  });
});

describe('oddLine', () => {
  const lines = (...numbers: number[]) => numbers.map((line) => row(7n, line));

  it.each([
    ['the last, behind a gap', lines(0, 2), 1],
    ['the last, although another should be first', lines(1, 2, 9), 2],
    ['the first, before all others', lines(-4, 1, 2), 0],
  ])('finds %s', (_what, rows, at) => {
    expect(oddLine([row(6n, 0), ...rows, row(8n, 0)])).toBe(rows[at]);
  });

  it('finds the one of another moment, whatever its line is', () => {
    const rows = [row(7n, 0), { ...row(7n, 1), atMs: 5n }, row(7n, 2)];
    expect(oddLine(rows)).toBe(rows[1]);
  });

  it('finds none where all lines follow one another', () => {
    expect(oddLine([...lines(0, 1, 2), row(9n, 0)])).toBeUndefined();
    expect(oddLine([])).toBeUndefined();
  });
});
