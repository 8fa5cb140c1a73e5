import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { Database, type Outbox, relayOutbox } from './index.js';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await freshDatabase();
  database = new Database({
    url: server.url,
    applicationName: 'outbox-test',
    connectionsMax: 4,
    role: 'swarmledger_auction',
  });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

const outbox: Outbox<{ eventNo: bigint; key: Buffer }> = {
  schema: 'market',
  oldest: (tx, limit) => tx.sql<{ eventNo: bigint; key: Buffer }[]>`
    select event_no as "eventNo", key from market.outbox order by event_no limit ${limit}`,
};
const add = (count: number) => database.sql`
  insert into market.outbox (topic, part, key, value)
  select 'topic', 0, int4send(n), '' from generate_series(1, ${count}) n`;
const left = async () => {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from market.outbox`;
  return row?.count;
};

describe('relayOutbox', () => {
  beforeEach(() => database.sql`delete from market.outbox`);

  it('publishes in order, a bounded number at a time, and tells when nothing is left behind', async () => {
    await add(1_500);
    const seen: { keys: number[]; upToDate: boolean }[] = [];
    const round = () =>
      relayOutbox(database, outbox, async ({ events, upToDate }) => {
        seen.push({ keys: events.map(({ key }) => key.readInt32BE()), upToDate });
      });
    expect([await round(), await round(), await round()]).toEqual([1_000, 500, 0]);
    expect(seen.map(({ upToDate }) => upToDate)).toEqual([false, true, true]);
    expect(seen.flatMap(({ keys }) => keys)).toEqual(
      Array.from({ length: 1_500 }, (_, n) => n + 1),
    );
    expect(await left()).toBe(0);
  });

  it('keeps what could not be published, with everything else of the round', async () => {
    await add(3);
    const failing = relayOutbox(database, outbox, async ({ tx }) => {
      await tx.sql`delete from market.outbox`;
      throw new Error('no broker');
    });
    await expect(failing).rejects.toThrow('no broker');
    expect(await left()).toBe(3);
  });

  it('lets one process publish at a time', async () => {
    await add(2);
    let inner: number | undefined;
    const outer = await relayOutbox(database, outbox, async () => {
      inner = await relayOutbox(database, outbox, async () => {
        throw new Error('must not be called');
      });
    });
    expect([outer, inner]).toEqual([2, 0]);
  });
});
