import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freshDatabase, type TestDatabase } from '#libs/testing';
import { Database, type Transaction, TransactionLostError } from './index.js';

let server: TestDatabase;
let owner: Database;
/** One connection only, so that whoever asks next gets the one that was lost. */
let database: Database;

beforeAll(async () => {
  server = await freshDatabase();
  const options = { url: server.url, applicationName: 'guard-test' };
  owner = new Database({ ...options, connectionsMax: 1 });
  database = new Database({ ...options, connectionsMax: 1 });
  await owner.sql`create table public.notes (note text not null)`;
});

afterAll(async () => {
  await Promise.all([owner.close(), database.close()]);
  await server.drop();
});

async function kill(tx: Transaction): Promise<void> {
  const [row] = await tx.sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  if (row === undefined) throw new Error('no backend');
  await owner.sql`select pg_terminate_backend(${row.pid})`;
  await sleep(200);
}

const note = (tx: Transaction, text: string) => tx.sql`insert into public.notes values (${text})`;
const notes = async () => {
  const rows = await owner.sql<{ note: string }[]>`select note from public.notes`;
  return rows.map((row) => row.note);
};

describe('a transaction whose connection is lost', () => {
  it('between two statements sends none of the rest, wherever the connection is used again', async () => {
    const seen: unknown[] = [];
    const lost = database.transaction(async (tx) => {
      await note(tx, 'before');
      await kill(tx);
      // Another query has made the pool connect again by now.
      await database.sql`select 1`;
      try {
        await note(tx, 'behind');
      } catch (error) {
        seen.push(error);
        throw error;
      }
    });
    await expect(lost).rejects.toThrow();
    await sleep(500);
    expect(seen).toEqual([expect.any(TransactionLostError)]);
    expect(await notes()).toEqual([]);
  });

  it('in a statement fails, and the pool goes on', async () => {
    const lost = database.transaction(async (tx) => {
      await note(tx, 'before');
      const [row] = await tx.sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      setTimeout(
        () => void owner.sql`select pg_terminate_backend(${row?.pid ?? 0})`.execute(),
        100,
      );
      await tx.sql`select pg_sleep(20)`;
    });
    await expect(lost).rejects.toThrow();
    // The client tells the server's last words to whoever connects next, having sent nothing for them.
    await eventually(async () => {
      const one = await database.transaction(async (tx) => (await tx.sql`select 1 as one`)[0]);
      expect(one).toEqual({ one: 1 });
    });
    expect(await notes()).toEqual([]);
  });

  it('commits nothing of another one that has its connection now', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const lost = database.transaction(async (tx) => {
      await kill(tx);
      await held;
      // Nothing is sent any more, but this would end in a commit.
    });
    await expect(lost).rejects.toThrow();
    const other = database.transaction(async (tx) => {
      await note(tx, 'taken back');
      release();
      await sleep(300);
      throw new Error('taken back');
    });
    await expect(other).rejects.toThrow('taken back');
    expect(await notes()).toEqual([]);
  });

  it('is told from an error that only looks like it', async () => {
    const work = database.transaction(async (tx) => {
      await note(tx, 'before');
      throw Object.assign(new Error('another connection'), { code: 'ECONNRESET' });
    });
    await expect(work).rejects.toThrow('another connection');
    expect(await database.transaction(async (tx) => (await tx.sql`select 1 as one`)[0])).toEqual({
      one: 1,
    });
    expect(await notes()).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('does not see what is committed meanwhile, and writes nothing', async () => {
    const counts = await database.snapshot(async (sql) => {
      const count = async () => (await sql`select count(*)::int as n from public.notes`)[0]?.n;
      const before = await count();
      await owner.sql`insert into public.notes values ('meanwhile')`;
      return [before, await count()];
    });
    expect(counts).toEqual([0, 0]);
    const write = database.snapshot((sql) => sql`insert into public.notes values ('x')`);
    await expect(write).rejects.toThrow(/read-only/);
  });
});
