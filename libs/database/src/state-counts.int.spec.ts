import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { Database } from './index.js';

let server: TestDatabase;
let database: Database;

beforeAll(async () => {
  server = await freshDatabase();
  database = new Database({
    url: server.url,
    applicationName: 'counts-test',
    connectionsMax: 4,
    role: 'swarmledger_settlement',
  });
});

afterAll(async () => {
  await database.close();
  await server.drop();
});

/** What the counts say, and what counting says. */
async function both() {
  const { sql } = database;
  const kept = await sql`
    select source, state, rows, payouts, energy_used, fee_sun from settlement.state_counts
    where rows <> 0 order by source, state`;
  const counted = await sql`
    select 'batches' as source, state, count(*) as rows, sum(payouts)::bigint as payouts,
      sum(energy_used)::bigint as energy_used, sum(fee_sun)::bigint as fee_sun
    from settlement.batches group by state
    union all select 'deposits', state, count(*), 0, 0, 0 from settlement.deposits group by state
    union all select 'payouts', state, count(*), 0, 0, 0 from settlement.payouts group by state
    order by source, state`;
  return { kept: [...kept], counted: [...counted] };
}

describe('the counts by state', () => {
  it('follow every statement, also several at once and one that is taken back', async () => {
    const { sql } = database;
    await sql`insert into settlement.deposits
      (txid, index, asset, sender, base_units, units, state, suspense, note, block_number, seen_at_ms)
      select sha256(int4send(n)), 0, 1, 'a', n, n, 1, false, '', n, 0 from generate_series(1, 300) n`;
    await sql`insert into settlement.payouts
      (withdrawal_id, asset, account, destination, units, state, report_state, requested_at_ms,
        updated_at_ms)
      select sha256(int4send(n)), 1, 'a', 'b', n, 1, 1, 0, 0 from generate_series(1, 300) n`;
    await sql`insert into settlement.batches (asset, payouts, total_units, planned_at_ms)
      select 1, n, n, 0 from generate_series(1, 30) n`;
    await Promise.all(
      [1, 2, 3, 4].map((state) =>
        database.transaction(async (tx) => {
          await tx.sql`update settlement.deposits set state = ${state + 1}
            where block_number % 5 = ${state}`;
          await tx.sql`update settlement.payouts set state = case when units % 2 = 0 then 2 else 7 end
            where units % 5 = ${state}`;
          await tx.sql`update settlement.batches
            set state = ${state + 1}, energy_used = batch_no * 7, fee_sun = batch_no
            where batch_no % 5 = ${state}`;
        }),
      ),
    );
    const first = await both();
    expect(first.kept).toEqual(first.counted);
    expect(first.kept.length).toBeGreaterThan(10);
    const failed = database.transaction(async (tx) => {
      await tx.sql`update settlement.deposits set state = 5`;
      throw new Error('taken back');
    });
    await expect(failed).rejects.toThrow('taken back');
    // Nothing changes where nothing is changed.
    await sql`update settlement.batches set state = state, fee_sun = fee_sun + 1`;
    await sql`update settlement.payouts set state = 7 where units < 0`;
    const second = await both();
    expect(second.kept).toEqual(second.counted);
  });
});
