import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { eventually, freshDatabase, type TestDatabase } from '#libs/testing';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, ledgerKit, record } from './ledger.kit.js';

const PART = 7;
const CHANNELS = 1_000;

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let owner: Database;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  owner = new Database({ url: server.url, applicationName: 'hot-test', connectionsMax: 1 });
  await owner.sql`insert into ledger.channels
    (part, channel_no, channel_id, terms_hash, payer_no, payee_no, deposit_units, opened_at_ms)
    select ${PART}, n, sha256(int8send(n)), sha256(int8send(n)), 1, 2 + n % 50, 1000, 0
    from generate_series(1::bigint, ${CHANNELS}::bigint) n`;
});

afterAll(async () => {
  await Promise.all([kit.database.close(), owner.close()]);
  await server.drop();
});

async function raiseAll(units: bigint): Promise<void> {
  const at = await kit.use.vouchers.nextOffset(PART);
  const claims = Array.from({ length: CHANNELS }, (_, n) =>
    claim({ channelNo: BigInt(n + 1) } as StoredChannel, units),
  );
  const applied = await kit.use.vouchers.apply(PART, [record(at, claims)]);
  expect(applied.channels).toBe(CHANNELS);
}

/** What the server has counted once it has heard of so many updates of channels. */
function counted(updates: number) {
  return eventually(async () => {
    // A connection reports what it did when it is used again, a second later at the latest.
    await kit.database.sql`select 1`;
    const rows = await owner.sql<{ name: string; updates: number; hot: number }[]>`
      select relname as name, n_tup_upd::int as updates, n_tup_hot_upd::int as hot
      from pg_stat_user_tables where relname in ('channels_p7', 'balances_p7')`;
    const of = (name: string) => rows.find((row) => row.name === name) ?? { updates: 0, hot: 0 };
    const seen = { channels: of('channels_p7'), balances: of('balances_p7') };
    expect(seen.channels.updates).toBe(updates);
    return seen;
  });
}

describe('updates of channels and balances', () => {
  it('stay in their page and touch no index, even when every flush raises all channels', async () => {
    // The first claims make the rows longer; from then on there is as much room as rows.
    for (const units of [1n, 2n]) await raiseAll(units);
    const before = await counted(2 * CHANNELS);
    for (const units of [3n, 4n, 5n, 6n]) await raiseAll(units);
    const after = await counted(6 * CHANNELS);
    for (const table of ['channels', 'balances'] as const) {
      const updates = after[table].updates - before[table].updates;
      expect((after[table].hot - before[table].hot) / updates).toBeGreaterThan(0.95);
    }
  });
});
