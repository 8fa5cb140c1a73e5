import { randomInt } from 'node:crypto';
import type { Database } from '#libs/database';
import type { Verdict } from '../src/verify.js';

/** A table of which bits are changed, and the tables by whose row that may be told. */
export type Target = {
  readonly table: string;
  readonly where?: string;
  /** All but those that are no evidence when undefined. */
  readonly columns?: readonly string[];
  readonly named: readonly string[];
  /** The row's name in SQL: before the change or after it, this or a line of it must be told. Any row of the tables when undefined. */
  readonly key?: string;
};

/** A column and its type. */
export type Column = { readonly table: string; readonly name: string; readonly type: string };

/** What came of changing one bit. */
export type Outcome = 'named' | 'refused' | 'no row' | { readonly missed: string };

type Place = { readonly relation: string; readonly ctid: string };
type Row = Place & { readonly text: string; readonly key: string };

const BITS: Readonly<Record<string, number>> = { bigint: 63, integer: 31, smallint: 15 };
const NUMERIC_BITS = 60;

/** Every column of the schemas that hold money. */
export function columnsOf(owner: Database): Promise<Column[]> {
  return owner.sql<Column[]>`
    select n.nspname || '.' || c.relname as table, a.attname as name,
      format_type(a.atttypid, null) as type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where n.nspname in ('ledger', 'market', 'settlement') and c.relkind in ('r', 'p')
      and not c.relispartition
    order by 1, a.attnum`;
}

/**
 * Changes one random bit of a random row as a superuser would, asks for the verdict, and puts the row back. `refused`:
 * a check, a key or a missing partition stands against it, so that it cannot be changed by hand like this.
 */
export async function flipped(
  owner: Database,
  target: Target,
  column: Column,
  verify: () => Promise<Verdict>,
): Promise<Outcome> {
  const row = await anyRow(owner, target, column);
  if (row === undefined) return 'no row';
  const changed = flip(row.text, column.type);
  const set = (text: string, at: Place, key: string) =>
    write(owner, { ...column, text, key }, at).catch(() => undefined);
  const moved = await set(changed, row, target.key ?? `''`);
  if (moved === undefined) return 'refused';
  try {
    const { difference } = await verify();
    const told = difference === undefined ? 'nothing' : `${difference.table} (${difference.key})`;
    const keys = target.key === undefined ? [difference?.key] : [row.key, moved.key];
    const isNamed = difference !== undefined && target.named.includes(difference.table);
    const isTold = (key: string | undefined) =>
      difference?.key === key || difference?.key.startsWith(`${key}, `);
    if (isNamed && keys.some(isTold)) return 'named';
    return {
      missed: `${column.table}.${column.name} ${row.text} -> ${changed} (${row.key}): named ${told}`,
    };
  } finally {
    await write(owner, { ...column, text: row.text, key: `''` }, moved);
  }
}

async function anyRow(owner: Database, target: Target, { table, name }: Column) {
  const rows = await owner.sql.unsafe<Row[]>(
    `select tableoid::regclass as relation, ctid::text, ${name}::text as text,
      ${target.key ?? `''`} as key
    from ${table} where ${target.where ?? 'true'} and ${name} is not null
      and ${name}::text not in ('', '\\x', '{}')`,
  );
  return rows[randomInt(Math.max(rows.length, 1))];
}

// Identity columns and triggers are no obstacle to whoever owns the database.
async function write(
  owner: Database,
  { table, name, type, text, key }: Column & { readonly text: string; readonly key: string },
  { relation, ctid }: Place,
): Promise<Row> {
  return owner.transaction(async ({ sql }) => {
    await sql`set local session_replication_role = replica`;
    const [row] = await sql.unsafe<Row[]>(
      `update ${table} set ${name} = $1::text::${type}
      where tableoid = $2::text::regclass and ctid = $3::text::tid
      returning tableoid::regclass as relation, ctid::text, ${name}::text as text, ${key} as key`,
      [text, relation, ctid],
    );
    if (row === undefined) throw new Error(`the row of ${table} is gone`);
    return row;
  });
}

function flip(text: string, type: string): string {
  switch (type) {
    case 'bytea':
      return `\\x${flipBytes(Buffer.from(text.slice(2), 'hex'), 8).toString('hex')}`;
    case 'boolean':
      return text === 'true' ? 'false' : 'true';
    case 'text':
      return flipText(text);
    case 'bigint[]': {
      const numbers = text.slice(1, -1).split(',');
      const at = randomInt(numbers.length);
      return `{${numbers.with(at, flipNumber(numbers[at] ?? '0', BITS.bigint ?? 1)).join(',')}}`;
    }
    default:
      return flipNumber(text, BITS[type] ?? NUMERIC_BITS);
  }
}

function flipNumber(text: string, bits: number): string {
  return String(BigInt(text) ^ (1n << BigInt(randomInt(bits))));
}

// Postgres keeps no zero byte and only valid UTF-8: such a change cannot be stored.
function flipText(text: string): string {
  for (;;) {
    const changed = flipBytes(Buffer.from(text), 7).toString();
    if (!/[\0\ufffd]/.test(changed)) return changed;
  }
}

function flipBytes(bytes: Buffer, bitsPerByte: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = randomInt(bytes.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << randomInt(bitsPerByte));
  return changed;
}
