import { afterAll, beforeAll, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { rowsOf } from '../src/audit.js';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await freshDatabase();
  database = new Database({ url: server.url, applicationName: 'verify-test', connectionsMax: 1 });
});
afterAll(async () => {
  await database?.close();
  await server?.drop();
});

// On the one connection of the transaction: a cursor of the driver would keep it, and the second one wait for ever.
it('reads several queries side by side, and asks others between their pages', async () => {
  const { left, right, asked, counted } = await database.snapshot(async (sql) => {
    let counted = 0;
    const count = (rows: number) => {
      counted += rows;
    };
    const audit = { sql, count };
    const numbers = (to: number) =>
      sql`select n::bigint as n from generate_series(1, ${to}::int) n`;
    const others = rowsOf<{ n: bigint }>(audit, numbers(25), 10);
    let [left, right, asked] = [0n, 0n, 0];
    for await (const { n } of rowsOf<{ n: bigint }>(audit, numbers(50), 10)) {
      left += n;
      const other = await others.next();
      right += other.done === true ? 0n : other.value.n;
      asked += (await sql`select 1`).length;
    }
    return { left, right, asked, counted };
  });
  expect({ left, right, asked, counted }).toEqual({
    left: 1275n,
    right: 325n,
    asked: 50,
    counted: 75,
  });
});
