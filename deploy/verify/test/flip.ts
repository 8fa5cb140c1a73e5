import { randomInt } from 'node:crypto';
import type { Database } from '#libs/database';
import type { Verdict } from '../src/verify.js';

/** A table of which bits are changed, and the tables by whose row that may be told. */
export type Target = {
  readonly table: string;
  readonly where?: string;
  /** All when undefined. */
  readonly columns?: readonly string[];
  readonly named: readonly string[];
  /** The row's name in SQL: before the change or after it, this must be told. Any row of the tables when undefined. */
  readonly key?: string;
};

/** A column and its type. */
export type Column = { readonly name: string; readonly type: string };

const BITS: Readonly<Record<string, number>> = { bigint: 63, integer: 31, smallint: 15 };

/** The columns of a table that hold numbers or bytes. */
export async function columnsOf(owner: Database, { table, columns }: Target): Promise<Column[]> {
  const rows = await owner.sql<Column[]>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = ${table}::text::regclass and attnum > 0 and not attisdropped order by attnum`;
  const chosen = rows.filter(({ name }) => columns === undefined || columns.includes(name));
  return chosen.filter(({ type }) => type === 'bytea' || type in BITS);
}

/**
 * Changes one random bit of a random row as a superuser would, asks for the verdict, and puts the row back. Says what
 * was missed, or undefined when the change was named or the database itself refused it.
 */
export async function flipped(
  owner: Database,
  target: Target,
  { name, type }: Column,
  verify: () => Promise<Verdict>,
): Promise<string | undefined> {
  const { sql } = owner;
  const where = target.where ?? 'true';
  const key = target.key ?? `''`;
  const rows = await sql.unsafe<{ place: string; text: string; key: string }[]>(
    `select tableoid::regclass || ' ' || ctid as place, ${name}::text as text, ${key} as key from ${target.table}
    where ${where} and ${name} is not null and ${name}::text not in ('\\x', '{}')`,
  );
  const row = rows[randomInt(Math.max(rows.length, 1))];
  if (row === undefined) return undefined;
  const changed = flip(row.text, type);
  const [from, ctid] = row.place.split(' ') as [string, string];
  let moved: { place: string; key?: string } | undefined;
  try {
    const [now] = await unguarded(
      owner,
      `update ${target.table} set ${name} = '${changed}'
      where tableoid = '${from}'::regclass and ctid = '${ctid}'
      returning tableoid::regclass || ' ' || ctid as place, ${key} as key`,
    );
    moved = now;
  } catch {
    // A check, a key or a missing partition stands against it: it cannot be changed by hand like this.
    return undefined;
  }
  const [table, place] = (moved?.place ?? '').split(' ') as [string, string];
  try {
    const { difference } = await verify();
    const told = difference === undefined ? 'nothing' : `${difference.table} (${difference.key})`;
    const keys = target.key === undefined ? [difference?.key] : [row.key, moved?.key];
    const isNamed = difference !== undefined && target.named.includes(difference.table);
    if (isNamed && keys.includes(difference.key)) return undefined;
    return `${target.table}.${name} ${row.text} -> ${changed}: named ${told}`;
  } finally {
    await unguarded(
      owner,
      `update ${target.table} set ${name} = '${row.text}'
      where tableoid = '${table}'::regclass and ctid = '${place}' returning 'back' as place`,
    );
  }
}

// Identity columns and triggers are no obstacle to whoever owns the database.
async function unguarded(
  owner: Database,
  statement: string,
): Promise<{ place: string; key?: string }[]> {
  return owner.transaction(async ({ sql }) => {
    await sql`set local session_replication_role = replica`;
    return [...(await sql.unsafe<{ place: string; key?: string }[]>(statement))];
  });
}

function flip(text: string, type: string): string {
  if (type === 'bytea') {
    const bytes = Buffer.from(text.slice(2), 'hex');
    const bit = randomInt(bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return `\\x${bytes.toString('hex')}`;
  }
  return String(BigInt(text) ^ (1n << BigInt(randomInt(BITS[type] ?? 1))));
}
