import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { changedRow, ENTRY_BITS, lostRow, near, surplusRow } from './changed-row.js';
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
