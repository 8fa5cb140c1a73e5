import { getTableColumns, getTableName, is, Table } from 'drizzle-orm';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import * as schema from './index.js';

let server: TestDatabase;
let owner: schema.Database;

const connect = (role?: schema.DatabaseRole) =>
  new schema.Database({
    url: server.url,
    applicationName: 'schema-test',
    connectionsMax: 2,
    ...(role === undefined ? {} : { role }),
  });

beforeAll(async () => {
  server = await freshDatabase();
  owner = connect();
});

afterAll(async () => {
  await owner.close();
  await server.drop();
});

const tables = Object.values(schema)
  .filter((exported) => typeof exported === 'object' && exported !== null)
  .flatMap((group) => Object.values(group as object))
  .filter((entry): entry is PgTable => is(entry, Table));

describe('the schema', () => {
  it('is described for every service', () => {
    const schemas = new Set(tables.map((table) => getTableConfig(table).schema));
    expect(schemas).toEqual(new Set(['ledger', 'market', 'settlement', 'admin']));
  });

  it.each(tables.map((table) => [getTableName(table), table] as const))(
    'has the columns in the database that drizzle knows: %s',
    async (name, table) => {
      const rows = await owner.sql<{ column: string; nullable: boolean }[]>`
        select column_name as column, is_nullable = 'YES' as nullable
        from information_schema.columns
        where table_schema = ${getTableConfig(table).schema ?? ''} and table_name = ${name}`;
      const found = Object.fromEntries(rows.map(({ column, nullable }) => [column, nullable]));
      const described = Object.fromEntries(
        Object.values(getTableColumns(table)).map((column) => [column.name, !column.notNull]),
      );
      expect(found).toEqual(described);
    },
  );

  it('can be migrated again and by several at once', async () => {
    await Promise.all([1, 2, 3].map(() => schema.migrate(server.url)));
  });
});

describe('roles', () => {
  it('write their own schema and no other', async () => {
    const auction = connect('swarmledger_auction');
    const admin = connect('swarmledger_admin');
    const balance = connect('swarmledger_balance');
    try {
      await expect(
        auction.sql`update ledger.balances set units = 1 where part = 0`,
      ).rejects.toThrow(/permission denied/);
      await expect(admin.sql`delete from ledger.accounts`).rejects.toThrow(/permission denied/);
      await expect(admin.sql`select count(*) from ledger.accounts`).resolves.toBeDefined();
      await expect(balance.sql`update ledger.journal set units = 1`).rejects.toThrow(
        /permission denied/,
      );
      await expect(balance.sql`delete from ledger.journal`).rejects.toThrow(/permission denied/);
      await expect(balance.sql`select 1 from market.orders`).rejects.toThrow(/permission denied/);
    } finally {
      await Promise.all([auction.close(), admin.close(), balance.close()]);
    }
  });
});

describe('the journal', () => {
  const partitions = () =>
    owner.sql<{ name: string }[]>`select c.relname as name from pg_inherits i
      join pg_class c on c.oid = i.inhrelid where i.inhparent = 'ledger.journal'::regclass`;

  it('can be rewritten by no service, under whatever name: not the table, not a day of it', async () => {
    const inAMonth = BigInt(Date.now()) + 40n * 86_400_000n;
    await owner.sql`select ledger.ensure_journal_partitions(${inAMonth}, 1)`;
    const names = ['journal', ...(await partitions()).map(({ name }) => name)];
    expect(names.length).toBeGreaterThan(10);
    for (const role of ['swarmledger_balance', 'swarmledger_admin'] as const) {
      const service = connect(role);
      try {
        for (const name of names) {
          const table = service.sql(`ledger.${name}`);
          await expect(service.sql`select count(*) from ${table}`).resolves.toBeDefined();
          for (const change of [
            service.sql`update ${table} set units = 1`,
            service.sql`delete from ${table}`,
            service.sql`truncate ${table}`,
          ]) {
            await expect(change, name).rejects.toThrow(/permission denied/);
          }
        }
      } finally {
        await service.close();
      }
    }
  });

  it('is written by the balance service alone, through its days as well', async () => {
    const balance = connect('swarmledger_balance');
    const admin = connect('swarmledger_admin');
    const row = {
      ...{ at_ms: BigInt(Date.now()), part: -1, entry_no: 77n, line: 0, kind: 1 },
      ...{ debit_kind: 6, debit_no: 1n, credit_kind: 1, credit_no: 1n, units: 5n },
    };
    try {
      await expect(admin.sql`insert into ledger.journal ${admin.sql(row)}`).rejects.toThrow(
        /permission denied/,
      );
      await balance.sql`insert into ledger.journal ${balance.sql(row)}`;
      await owner.sql`truncate ledger.journal`;
    } finally {
      await Promise.all([balance.close(), admin.close()]);
    }
  });

  it('lets no service call what gives rights on it', async () => {
    const balance = connect('swarmledger_balance');
    try {
      await expect(
        balance.sql`select ledger.protect_journal_partition('accounts')`,
      ).rejects.toThrow(/permission denied/);
    } finally {
      await balance.close();
    }
  });
});

describe('partitions', () => {
  const plan = async (query: string): Promise<string> => {
    const rows = await owner.sql.unsafe<{ 'QUERY PLAN': string }[]>(`explain ${query}`);
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  };
  const touched = (text: string) => new Set(text.match(/\bjournal_\d{8}\b/g));

  it('of the journal are pruned by time', async () => {
    const now = Date.now();
    const text = await plan(`select * from ledger.journal where at_ms between ${now} and ${now}`);
    expect(touched(text).size).toBe(1);
  });

  it('of the journal exist for the week ahead and are made once', async () => {
    const day = 86_400_000n;
    const nowMs = BigInt(Date.now()) + 30n * day;
    const made = async () => {
      const [row] = await owner.sql<{ made: number }[]>`
        select ledger.ensure_journal_partitions(${nowMs}, 7) as made`;
      return row?.made;
    };
    expect(await made()).toBe(9);
    expect(await made()).toBe(0);
    for (const atMs of [nowMs, nowMs + 7n * day]) {
      await owner.sql`insert into ledger.journal
        (at_ms, part, entry_no, line, kind, debit_kind, debit_no, credit_kind, credit_no, units)
        values (${atMs}, -1, 1, 0, 1, 6, 1, 1, 1, 5)`;
    }
    await owner.sql`truncate ledger.journal`;
  });
});
