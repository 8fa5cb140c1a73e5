import type { Audit, Check } from '../audit.js';
import { differ } from '../difference.js';

/** Compares rows with what they should be: a select of key, expected and found, the latter two as JSON objects. */
export type Comparison = { readonly name: string; readonly table: string; readonly rows: string };

/** A row that is not what it should be. */
type Mismatch = {
  readonly key: string;
  readonly expected: Readonly<Record<string, unknown>> | null;
  readonly found: Readonly<Record<string, unknown>> | null;
};

/** The check that a comparison finds no row that differs. */
export function comparing(comparison: Comparison): Check {
  return { name: comparison.name, run: (audit) => compare(audit, comparison) };
}

async function compare({ sql, count }: Audit, { table, rows }: Comparison): Promise<void> {
  const [first] = await sql.unsafe<Mismatch[]>(
    `select key, expected, found from (${rows}) compared
    where expected is distinct from found order by key limit 1`,
  );
  count(1);
  if (first === undefined) return;
  const [expected, found] = [first.expected ?? {}, first.found ?? {}];
  const name = Object.keys(expected).find((each) => expected[each] !== found[each]) ?? 'row';
  const tell = (value: unknown) =>
    `${name} ${value === null || value === undefined ? 'none' : value}`;
  differ({ table, key: first.key }, tell(expected[name]), tell(found[name]));
}
