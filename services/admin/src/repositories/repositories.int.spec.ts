import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '#libs/database';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { type Attempts, afterFailure } from '../domain/lockout.js';
import type { Session } from '../domain/session.js';
import { AuditRepository } from './audit.repository.js';
import { LedgerViewRepository } from './ledger-view.repository.js';
import { LoginAttemptRepository } from './login-attempt.repository.js';
import { SessionRepository } from './session.repository.js';

let testDatabase: TestDatabase;
/** As the service connects: with the admin role. */
let database: Database;
/** As the owner, who may do everything. */
let owner: Database;

beforeAll(async () => {
  testDatabase = await freshDatabase();
  const options = { url: testDatabase.url, applicationName: 'test', connectionsMax: 12 };
  database = new Database({ ...options, role: 'swarmledger_admin' });
  owner = new Database({ ...options, connectionsMax: 1 });
});

afterAll(async () => {
  await database.close();
  await owner.close();
  await testDatabase.drop();
});

describe('sessions', () => {
  const session = (byte: number, expiresAtMs: bigint): Session => ({
    tokenHash: Buffer.alloc(32, byte),
    actor: 'operator',
    role: 'operator',
    address: '10.0.0.1',
    createdAtMs: 1n,
    expiresAtMs,
  });

  test('are found by hash until they are removed or expire', async () => {
    const sessions = new SessionRepository(database);
    for (const [byte, until] of [
      [1, 100n],
      [2, 200n],
      [3, 300n],
    ] as const) {
      await sessions.insert(session(byte, until));
    }
    expect(await sessions.find(Buffer.alloc(32, 1))).toEqual(session(1, 100n));
    await sessions.remove(Buffer.alloc(32, 3));
    await sessions.removeExpired(100n);
    const left = [1, 2, 3].map((byte) => sessions.find(Buffer.alloc(32, byte)));
    expect(await Promise.all(left)).toEqual([undefined, session(2, 200n), undefined]);
  });
});

describe('failed logins', () => {
  test('at the same time are counted one by one', async () => {
    const attempts = new LoginAttemptRepository(database);
    const fail = (count: Attempts) => ({ next: afterFailure(count, 5n), value: count.failures });
    const seen = await Promise.all(
      Array.from({ length: 20 }, () => attempts.change('10.0.0.1', fail)),
    );
    expect(seen.filter((failures) => failures < 10)).toHaveLength(10);
    expect(
      new Set(
        seen
          .slice()
          .sort((a, b) => a - b)
          .slice(0, 10),
      ).size,
    ).toBe(10);
  });

  test('are forgotten when the address gets in, or with time', async () => {
    const attempts = new LoginAttemptRepository(database);
    const look = (count: Attempts) => ({ next: undefined, value: count.failures });
    await attempts.change('10.0.0.2', (count) => ({ next: afterFailure(count, 5n), value: 0 }));
    expect(await attempts.change('10.0.0.2', look)).toBe(1);
    expect(await attempts.change('10.0.0.2', look)).toBe(0);
    await attempts.change('10.0.0.3', (count) => ({ next: afterFailure(count, 5n), value: 0 }));
    await attempts.removeOlderThan(6n);
    expect(await attempts.change('10.0.0.3', look)).toBe(0);
  });
});

describe('the record of actions', () => {
  const entry = (action: string) => ({
    atMs: 7n,
    actor: 'operator',
    role: 'operator',
    address: '10.0.0.1',
    action,
    outcome: 'ok',
    detail: 'none',
  });

  beforeEach(() => owner.sql`truncate admin.audit`);

  test('keeps its order when several write at once, newest first when read', async () => {
    const audit = new AuditRepository(database);
    await Promise.all(Array.from({ length: 10 }, (_, n) => audit.append(entry(`action ${n}`))));
    const latest = await audit.latest(3);
    expect(latest.map(({ auditNo }) => auditNo)).toEqual([10n, 9n, 8n]);
    expect(await audit.firstBroken()).toBeUndefined();
  });

  test.each([
    ['a changed row', `update admin.audit set detail = 'other' where audit_no = 2`, 2n],
    ['a removed row', `delete from admin.audit where audit_no = 2`, 3n],
    [
      'swapped fields',
      `update admin.audit set actor = address, address = actor where audit_no = 3`,
      3n,
    ],
  ])('names %s', async (_case, tamper, broken) => {
    const audit = new AuditRepository(database);
    for (const action of ['one', 'two', 'three', 'four']) await audit.append(entry(action));
    await owner.sql.unsafe(tamper);
    expect(await audit.firstBroken()).toBe(broken);
  });

  test('cannot be rewritten by the service itself', async () => {
    await new AuditRepository(database).append(entry('one'));
    await expect(database.sql`update admin.audit set outcome = ''`).rejects.toThrow('permission');
    await expect(database.sql`delete from admin.audit`).rejects.toThrow('permission');
  });
});

describe('the view of the ledger', () => {
  test('cannot write any of it', async () => {
    for (const table of ['ledger.balances', 'ledger.journal', 'ledger.withdrawals']) {
      const statement = database.sql.unsafe(`delete from ${table}`);
      await expect(statement).rejects.toThrow('permission denied');
    }
  });

  test('shows the applied offsets of the voucher log', async () => {
    await owner.sql`update ledger.log_offsets set next_offset = 42 where topic = 'vouchers' and part = 3`;
    const offsets = await new LedgerViewRepository(database).appliedOffsets();
    expect(offsets).toHaveLength(8);
    expect(offsets).toContainEqual({ partition: 3, offset: 42n });
  });

  test('shows which logs a service has found to be incomplete', async () => {
    const views = new LedgerViewRepository(database);
    expect(await views.lostLogs()).toEqual([]);
    await owner.sql`update ledger.log_sources set lost = 'b' where topic = 'vouchers'`;
    await owner.sql`update market.log_sources set lost = 'a' where topic = 'market-orders'`;
    expect(await views.lostLogs()).toEqual([
      { topic: 'market-orders', lost: 'a' },
      { topic: 'vouchers', lost: 'b' },
    ]);
    await owner.sql`update ledger.log_sources set lost = null`;
    await owner.sql`update market.log_sources set lost = null`;
  });

  test('shows the newest deposits and withdrawals first, with names for numbers', async () => {
    const { sql } = owner;
    await sql`insert into ledger.accounts (address, created_at_ms) values ('TPayer', 1)`;
    await sql`insert into ledger.deposits values
      (${Buffer.alloc(32, 1)}, 0, 1, 1, 500, 9, 10), (${Buffer.alloc(32, 2)}, 0, 2, null, 700, 9, 20)`;
    await sql`insert into ledger.withdrawals
      (withdrawal_id, content_hash, account_no, asset, destination, amount_units, fee_units, state,
       failure, requested_at_ms, updated_at_ms)
      values ('\\x01', '\\x01', 1, 1, 'TTo', 9, 1, 7, '', 1, 1),
             ('\\x02', '\\x01', 1, 2, 'TTo', 8, 1, 8, '<b>frozen</b>', 2, 2)`;
    const views = new LedgerViewRepository(database);
    expect(await views.latestDeposits(10)).toMatchObject([
      { asset: 'TRC10_BTTOLD', account: '', units: 700n, txid: '02'.repeat(32) },
      { asset: 'TRC20_BTT', account: 'TPayer', units: 500n },
    ]);
    expect(await views.latestDeposits(1)).toHaveLength(1);
    expect(await views.latestWithdrawals(10)).toMatchObject([
      { state: 'refunded', failure: '<b>frozen</b>', amountUnits: 8n },
      { state: 'solidified', failure: '' },
    ]);
  });

  test('finds the newest deposits by an index', async () => {
    await owner.sql`set enable_seqscan = off`;
    const plan = await owner.sql`explain select * from ledger.deposits
      order by credited_at_ms desc limit 10`;
    expect(JSON.stringify(plan)).toContain('deposits_latest');
  });

  test('counts the quarantine and shows its newest entries', async () => {
    const views = new LedgerViewRepository(database);
    expect(await views.quarantine()).toEqual({ count: 0, latest: [] });
    await owner.sql`insert into ledger.quarantine
      (topic, part, log_offset, line, reason, content, at_ms)
      select 'vouchers', 1, n, 0, 'reason ' || n, '\\x00', n from generate_series(1, 7) n`;
    const { count, latest } = await views.quarantine();
    expect(count).toBe(7);
    expect(latest.map(({ place }) => place).slice(0, 2)).toEqual([
      'vouchers/1@7:0',
      'vouchers/1@6:0',
    ]);
    expect(latest).toHaveLength(5);
  });

  test('tells the version', async () => {
    const { version } = await new LedgerViewRepository(database).version();
    expect(version).toMatch(/^\d+/);
  });
});
