import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVIDENCE, NO_EVIDENCE, UNFILLED } from './evidence.js';
import { type Column, columnsOf, flipped, type Target } from './flip.js';
import { VerifiedWorld } from './verified-world.js';

// One bit after the other is another, in every column that is evidence of money.

/** Random bits of each column that are tried. */
const FLIPS = Number(process.env.VERIFY_FLIPS ?? 2);
const TIMEOUT_MS = 600_000;

let on: VerifiedWorld;
let columns: readonly Column[];

beforeAll(async () => {
  on = await VerifiedWorld.start();
  columns = await columnsOf(on.owner);
});
afterAll(() => on?.stop());

const isExempt = ({ table, name }: Column) =>
  table in NO_EVIDENCE || `${table}.${name}` in NO_EVIDENCE;
const covers = (target: Target, column: Column) =>
  target.table === column.table &&
  (target.columns === undefined ? !isExempt(column) : target.columns.includes(column.name));
const nameOf = ({ table, name }: Column) => `${table}.${name}`;

describe('verify', () => {
  it('has an opinion on every column there is, and on none that is not', () => {
    const open = columns.filter(
      (column) =>
        !isExempt(column) &&
        !UNFILLED.includes(nameOf(column)) &&
        !EVIDENCE.some((target) => covers(target, column)),
    );
    expect(open.map(nameOf)).toEqual([]);
    const names = new Set(columns.flatMap((column) => [column.table, nameOf(column)]));
    const told = [
      ...Object.keys(NO_EVIDENCE),
      ...UNFILLED,
      ...EVIDENCE.flatMap(({ table, columns: some }) => [
        table,
        ...(some ?? []).map((name) => `${table}.${name}`),
      ]),
    ];
    expect(told.filter((name) => !names.has(name))).toEqual([]);
  });

  it('finds nothing before a bit is changed', async () => {
    expect((await on.verify()).difference).toBeUndefined();
  });

  it.each(EVIDENCE)(
    'names the row when a bit of $table $columns is another',
    async (target) => {
      const [missed, unfilled]: [string[], string[]] = [[], []];
      for (const column of columns.filter((each) => covers(target, each))) {
        for (let turn = 0; turn < FLIPS; turn++) {
          const outcome = await flipped(on.owner, target, column, () => on.verify());
          if (typeof outcome === 'object') missed.push(outcome.missed);
          if (outcome === 'no row' && turn === 0) unfilled.push(nameOf(column));
        }
      }
      expect(missed).toEqual([]);
      expect(unfilled.filter((name) => !UNFILLED.includes(name))).toEqual([]);
      expect((await on.verify()).difference).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  it(
    'names a posting whose entry is another by one bit, and there is such an entry',
    async () => {
      const { sql } = on.owner;
      const pairs = await sql<{ entryNo: bigint; line: number; atMs: bigint; other: bigint }[]>`
        select j.entry_no as "entryNo", j.line, j.at_ms as "atMs", o.entry_no as other
        from ledger.journal j join (select distinct entry_no from ledger.journal where part = -1) o
          on bit_count((j.entry_no # o.entry_no)::bit(64)) = 1
        where j.part = -1 and not exists (select from ledger.journal t
          where t.part = -1 and t.at_ms = j.at_ms and t.line = j.line and t.entry_no = o.entry_no)`;
      expect(pairs.length).toBeGreaterThan(3);
      const missed: string[] = [];
      for (const { entryNo, line, atMs, other } of pairs) {
        const move = (from: bigint, to: bigint) => sql`update ledger.journal set entry_no = ${to}
          where part = -1 and entry_no = ${from} and line = ${line} and at_ms = ${atMs}`;
        await move(entryNo, other);
        const told = (await on.verify()).difference;
        if (told?.key !== `part -1, entry ${other}, line ${line}, at ${atMs}`) {
          missed.push(`${entryNo} -> ${other}, line ${line}: ${told?.table} (${told?.key})`);
        }
        await move(other, entryNo);
      }
      expect(missed).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
