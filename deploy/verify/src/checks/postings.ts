import { createHash } from 'node:crypto';
import { type Audit, rowsOf } from '../audit.js';
import {
  changedRow,
  ENTRY_BITS,
  lostRow,
  lostTries,
  near,
  oddLine,
  PART_BITS,
  surplusRow,
} from '../changed-row.js';
import { agree, DifferenceError, differ } from '../difference.js';
import {
  JOURNAL_COLUMNS,
  type JournalRow,
  journalBytes,
  journalKey,
  PARTS,
  postingProblem,
} from '../journal.js';
import { imbalanced } from './tables.js';

/** Most postings of a link that are kept to find the one that was changed. */
const ROWS_KEPT_MAX = 20_000;
/** Most entries of a link of which a lost posting is looked for elsewhere. */
const ENTRIES_MAX = 4_000;
/** What Postgres calls an array of bigint. */
const INT8_ARRAY = 1016;

/** Every posting belongs to one link, by the order and the bytes that were hashed. */
export async function postings(audit: Audit): Promise<void> {
  await noStrays(audit);
  for (const part of PARTS) {
    let link: LinkPostings | undefined;
    for await (const joined of rowsOf<Joined>(audit, postingsOf(audit, part))) {
      if (joined.flushNo !== link?.flushNo) {
        if (link !== undefined) await link.close(audit);
        link = new LinkPostings(joined, part);
      }
      if (joined.units !== null) link.add(joined as JournalRow);
    }
    if (link !== undefined) await link.close(audit);
  }
  await unsealed(audit);
}

type Joined = { flushNo: bigint; postingsHash: Buffer; postings: bigint } & {
  [K in keyof JournalRow]: JournalRow[K] | null;
};

/** The postings of one link while they are read. */
class LinkPostings {
  readonly #hash = createHash('sha256');
  readonly #kept: JournalRow[] = [];
  #count = 0n;
  #problem: { row: JournalRow; text: string } | undefined;
  readonly flushNo: bigint;
  readonly #wanted: Buffer;
  readonly #postings: bigint;

  constructor(
    { flushNo, postingsHash, postings: count }: Joined,
    private readonly part: number,
  ) {
    this.flushNo = flushNo;
    this.#wanted = postingsHash;
    this.#postings = count;
  }

  add(row: JournalRow): void {
    this.#hash.update(journalBytes(row));
    this.#count += 1n;
    if (this.#kept.length < ROWS_KEPT_MAX) this.#kept.push(row);
    const text = postingProblem(row);
    if (text !== undefined) this.#problem ??= { row, text };
  }

  async close(audit: Audit): Promise<void> {
    const hash = this.#hash.digest();
    if (hash.equals(this.#wanted) && this.#count === this.#postings) return;
    const link = `flush ${this.flushNo} of part ${this.part}`;
    const missing = this.#postings - this.#count;
    const row = await this.#changed(audit, missing);
    if (row !== undefined) throw changed(row, `the bytes that ${link} has hashed`);
    if (this.#problem !== undefined) throw changed(this.#problem.row, this.#problem.text);
    const key = `of ${link}`;
    if (missing !== 0n) {
      differ({ table: 'ledger.journal', key }, `${this.#postings} postings`, String(this.#count));
    }
    const odd = oddLine(this.#kept);
    if (odd !== undefined) throw changed(odd, 'a line that goes with those of its entry');
    const suspects = await imbalanced(audit, this.#kept);
    const found = changedRow(this.#kept, this.#wanted, new Set(suspects)) ?? suspects[0];
    if (found !== undefined) throw changed(found, `what ${link} has hashed`);
    agree({ table: 'ledger.journal', key }, 'hash', this.#wanted, hash);
  }

  /** The posting of which a bit was changed, here or in another link. */
  async #changed(audit: Audit, missing: bigint): Promise<JournalRow | undefined> {
    if (this.#count > ROWS_KEPT_MAX) return undefined;
    if (missing === 0n) return changedRow(this.#kept, this.#wanted);
    if (missing === -1n) return surplusRow(this.#kept, this.#wanted);
    return missing === 1n ? this.#lost(audit) : undefined;
  }

  async #lost({ sql }: Audit): Promise<JournalRow | undefined> {
    const { part } = this;
    const [link] = await sql<{ entries: bigint[]; atMs: bigint }[]>`
      select case part when -1 then operations else array[first_offset] end as entries,
        at_ms as "atMs"
      from ledger.flushes where part = ${part} and flush_no = ${this.flushNo}`;
    if (link === undefined || link.entries.length > ENTRIES_MAX) return undefined;
    const { entries, atMs } = link;
    const nearEntries = sql.array(near(entries, ENTRY_BITS), INT8_ARRAY);
    const parts = sql.array(near([BigInt(part)], PART_BITS).map(Number), INT8_ARRAY);
    // Those first whose entry has postings of different moments.
    const others = await sql<JournalRow[]>`
      select ${sql.unsafe(JOURNAL_COLUMNS)} from (
        select o.*, min(o.at_ms) over entry <> max(o.at_ms) over entry as odd
        from ledger.journal o
        where (o.part = ${part} and o.entry_no = any(${nearEntries}::bigint[])
            and (${part} = -1 or o.at_ms = ${atMs}))
          or (${part} <> -1 and o.part = any(${parts}::bigint[]) and o.at_ms = ${atMs}
            and o.entry_no = ${entries[0] ?? 0n})
        window entry as (partition by o.part, o.entry_no)
      ) j order by j.odd desc limit ${lostTries(this.#kept)}`;
    return lostRow(this.#kept, { part, entries }, others, this.#wanted);
  }
}

function changed(row: JournalRow, expected: string): DifferenceError {
  const { kind, debitKind, debitNo, creditKind, creditNo, units, reference } = row;
  const told = `kind ${kind}, ${units} units from ${debitKind}:${debitNo} to ${creditKind}:${creditNo}, reference ${reference?.toString('hex') ?? 'none'}`;
  return new DifferenceError({
    table: 'ledger.journal',
    key: journalKey(row),
    expected,
    found: told,
  });
}

/** Postings that no link covers and that do not wait for one. */
async function noStrays({ sql }: Audit): Promise<void> {
  // Each condition by itself: put together by OR they would be looked up row by row.
  const [stray] = await sql<JournalRow[]>`
    with sealed as materialized (
      select unnest(operations) as no from ledger.flushes where part = -1
    ), j as (
      select * from ledger.journal o
      where o.part = -1 and not exists (select from sealed s where s.no = o.entry_no)
        and not exists (select from ledger.unsealed_operations u
          where u.operation_no = o.entry_no and u.at_ms = o.at_ms)
      union all
      select * from ledger.journal o
      where o.part >= 0 and not exists (
          select from ledger.flushes f where f.part = o.part and f.at_ms = o.at_ms
            and f.first_offset = o.entry_no and f.flush_no > 0)
        and not exists (
          select from ledger.flushes f where f.part = o.part and f.flush_no = 0 and f.postings > 0)
      union all
      select * from ledger.journal o where o.part < -1
    )
    select ${sql.unsafe(JOURNAL_COLUMNS)} from j
    order by j.part, j.at_ms, j.entry_no, j.line limit 1`;
  if (stray !== undefined) throw changed(stray, 'a link that covers it');
}

type Waiting = JournalRow & { readonly operationNo: bigint; readonly bookedAtMs: bigint };

/** Operations that wait for the sealer: there are few, and only their form can be checked. */
async function unsealed(audit: Audit): Promise<void> {
  const { sql } = audit;
  const rows = sql<Waiting[]>`
    select u.operation_no as "operationNo", u.at_ms as "bookedAtMs", ${sql.unsafe(JOURNAL_COLUMNS)}
    from ledger.unsealed_operations u
    left join ledger.journal j on j.part = -1 and j.entry_no = u.operation_no and j.at_ms = u.at_ms
    order by u.operation_no, j.line`;
  let lines: JournalRow[] = [];
  for await (const { operationNo, bookedAtMs, ...row } of rowsOf<Waiting>(audit, rows)) {
    const key = `part -1, entry ${operationNo}, line 0, at ${bookedAtMs}`;
    if (row.units === null) differ({ table: 'ledger.journal', key }, 'a posting', 'none');
    const problem = postingProblem(row);
    if (problem !== undefined) throw changed(row, problem);
    if (lines[0]?.entryNo !== row.entryNo) lines = [];
    lines.push(row);
    const odd = oddLine(lines);
    if (odd !== undefined) throw changed(odd, `line ${lines.length - 1} of its operation`);
  }
}

function postingsOf({ sql }: Audit, part: number) {
  const columns = sql.unsafe(JOURNAL_COLUMNS);
  const link = sql`f.flush_no as "flushNo", f.postings_hash as "postingsHash", f.postings`;
  if (part === -1) {
    return sql<Joined[]>`
      select ${link}, ${columns} from ledger.flushes f
      left join lateral unnest(f.operations) o(no) on true
      left join ledger.journal j on j.part = -1 and j.entry_no = o.no
      where f.part = -1 order by f.flush_no, j.entry_no, j.line`;
  }
  return sql<Joined[]>`
    with old as (
      select ${columns} from ledger.journal j where j.part = ${part} and not exists (
        select from ledger.flushes f where f.part = ${part} and f.at_ms = j.at_ms
          and f.first_offset = j.entry_no and f.flush_no > 0)
    )
    select ${link}, ${columns} from ledger.flushes f
    left join ledger.journal j
      on j.part = f.part and j.at_ms = f.at_ms and j.entry_no = f.first_offset
    where f.part = ${part} and f.flush_no > 0
    union all
    select ${link}, old.* from ledger.flushes f left join old on true
    where f.part = ${part} and f.flush_no = 0
    order by 1, "entryNo", line`;
}
