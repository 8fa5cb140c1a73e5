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

  it('names the flush of a posting that is gone', async () => {
    const { sql } = on.owner;
    for (const part of [-1, 0, 1, 2, 3, 4, 5, 6, 7]) {
      const [row] = await sql<Record<string, unknown>[]>`select * from ledger.journal
        where part = ${part} order by at_ms desc, entry_no desc, line desc limit 1`;
      if (row === undefined) continue;
      const { at_ms: atMs, entry_no: entryNo, line } = row as Record<string, bigint>;
      const gone = sql`part = ${part} and entry_no = ${entryNo ?? 0n} and line = ${line ?? 0n}
        and at_ms = ${atMs ?? 0n}`;
      await sql`delete from ledger.journal where ${gone}`;
      const { difference } = await on.verify();
      expect(difference?.table).toBe('ledger.journal');
      expect(difference?.key).toMatch(new RegExp(`^of flush \\d+ of part ${part}$`));
      await sql`insert into ledger.journal ${sql(row)}`;
      expect((await on.verify()).difference).toBeUndefined();
    }
  });
});
