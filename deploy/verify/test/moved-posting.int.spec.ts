import { afterAll, beforeAll, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';
import { CHAIN_CHECKS } from '../src/checks/chains.js';
import { differenceOf } from './check-alone.kit.js';

// A posting that is told to be of another entry stands among the postings of that entry's flush, and lacks in its own.
// Here every operation has a moment of its own, as it has outside of tests: then there is always room for it.

const FLUSHES = 3;
const OPERATIONS = 6;
let server: TestDatabase;
let owner: Database;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  owner = new Database({ url: server.url, applicationName: 'verify-test', connectionsMax: 1 });
  for (let flush = 0; flush < FLUSHES; flush++) {
    for (let operation = 0; operation < OPERATIONS; operation++) {
      kit.time.nowMs += 1n;
      const payer = await kit.account(9_000n);
      kit.time.nowMs += 1n;
      value(await kit.withdraw(payer, 2_000n));
    }
    while ((await kit.use.sealing.round()) > 0);
  }
});
afterAll(async () => {
  await Promise.all([kit?.database.close(), owner?.close()]);
  await server?.drop();
});

const verdict = () => differenceOf(owner, CHAIN_CHECKS);

type Move = {
  readonly from: bigint;
  readonly to: bigint;
  readonly line: number;
  readonly atMs: bigint;
  /** By how many flushes it moves. */
  readonly flushes: number;
};

const moves = () => owner.sql<Move[]>`
  with entries as (
    select f.flush_no, e.no from ledger.flushes f, unnest(f.operations) e(no) where f.part = -1
  )
  select j.entry_no as "from", t.no as "to", j.line, j.at_ms as "atMs",
    (t.flush_no - o.flush_no)::int as flushes
  from ledger.journal j join entries o on o.no = j.entry_no
  join entries t on bit_count((j.entry_no # t.no)::bit(64)) = 1
  where j.part = -1`;

async function move({ from, to, line, atMs }: Omit<Move, 'flushes'>): Promise<void> {
  await owner.sql`update ledger.journal set entry_no = ${to}
    where part = -1 and entry_no = ${from} and line = ${line} and at_ms = ${atMs}`;
}

it('agrees with what nobody has touched', async () => {
  expect(await verdict()).toBeUndefined();
});

it('is named, to whichever entry it was moved', async () => {
  const all = await moves();
  expect(new Set(all.map(({ flushes }) => Math.sign(flushes)))).toEqual(new Set([-1, 0, 1]));
  const missed: string[] = [];
  for (const each of all) {
    await move(each);
    const told = await verdict();
    if (told?.key !== `part -1, entry ${each.to}, line ${each.line}, at ${each.atMs}`) {
      missed.push(`${each.from} -> ${each.to}, line ${each.line}: ${told?.key}`);
    }
    await move({ ...each, from: each.to, to: each.from });
  }
  expect(missed).toEqual([]);
});

it('is only known to lack when it is nowhere', async () => {
  const rows = await owner.sql<
    Record<string, bigint>[]
  >`select * from ledger.journal where part = -1`;
  for (const row of rows) {
    const { at_ms: atMs = 0n, entry_no: entryNo = 0n, line = 0n } = row;
    await owner.sql`delete from ledger.journal
      where part = -1 and entry_no = ${entryNo} and line = ${line} and at_ms = ${atMs}`;
    expect(await verdict()).toMatchObject({
      table: 'ledger.journal',
      key: expect.stringMatching(/^of flush \d+ of part -1$/),
      expected: expect.stringMatching(/postings$/),
    });
    await owner.sql`insert into ledger.journal ${owner.sql(row)}`;
  }
  expect(await verdict()).toBeUndefined();
});

it('is named while it waits for the sealer', async () => {
  kit.time.nowMs += 1n;
  value(await kit.withdraw(await kit.account(9_000n), 2_000n));
  const waiting = await owner.sql<{ entryNo: bigint; line: number }[]>`
    select entry_no as "entryNo", line from ledger.journal
    where part = -1 and entry_no in (select operation_no from ledger.unsealed_operations)`;
  expect(waiting.length).toBeGreaterThan(1);
  for (const { entryNo, line } of waiting) {
    const to = line ^ 4;
    const moveLine = (before: number, after: number) => owner.sql`update ledger.journal
      set line = ${after} where part = -1 and entry_no = ${entryNo} and line = ${before}`;
    await moveLine(line, to);
    const { key } = (await verdict()) ?? {};
    expect(key).toMatch(new RegExp(`^part -1, entry ${entryNo}, line ${to}, `));
    await moveLine(to, line);
  }
  expect(await verdict()).toBeUndefined();
});
