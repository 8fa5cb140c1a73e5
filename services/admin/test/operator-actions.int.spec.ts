import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AdminWorld } from './admin-world.js';
import type { BrowserSession } from './browser-session.js';
import { letWaitForApproval } from './fake-batches.js';
import { type FakeCluster, letWait, unavailable } from './fake-cluster.js';
import { OPERATOR_TOKEN } from './running-admin.js';

// What operators change: each is recorded before settlement is asked, and again with what came of it.

let world: AdminWorld;
let cluster: FakeCluster;
let session: BrowserSession;

beforeAll(async () => {
  world = await AdminWorld.start();
  cluster = world.cluster;
});

afterAll(() => world.stop());

beforeEach(async () => {
  await world.reset();
  session = world.visitor();
  await session.login(OPERATOR_TOKEN);
});

/** The newest rows of the audit, newest first. */
const audit = async (limit: number) => {
  const rows = await world.database.sql<{ action: string; outcome: string; detail: string }[]>`
    select action, outcome, detail from admin.audit order by audit_no desc limit ${limit}`;
  return { rows, done: rows.map(({ action, outcome }) => `${action} ${outcome}`) };
};

describe('running settlement', () => {
  test('dry and in earnest is passed on and recorded', async () => {
    const dry = await session.post('/api/settlement/run', { dryRun: true });
    expect(await dry.json()).toMatchObject({
      dryRun: true,
      batches: [{ totalUnits: '480000000' }],
    });
    expect((await session.post('/api/settlement/run', { dryRun: false })).status).toBe(200);
    expect(cluster.state.runs).toEqual([true, false]);
    expect((await audit(4)).done).toEqual([
      'settlement-run ok',
      'settlement-run requested',
      'settlement-dry-run ok',
      'settlement-dry-run requested',
    ]);
  });

  test.each([
    ['without the CSRF header', { 'x-csrf-token': '' }, 403],
    ['with a wrong CSRF header', { 'x-csrf-token': 'x' }, 403],
    ['from another site', { origin: 'https://evil.example' }, 403],
  ])('%s is refused', async (_case, headers, status) => {
    const response = await session.post('/api/settlement/run', { dryRun: false }, headers);
    expect(response.status).toBe(status);
    expect(cluster.state.runs).toEqual([]);
  });

  test.each([{}, { dryRun: 'no' }, { dryRun: true, force: true }, 'null'])(
    'with the body %j is refused',
    async (body) => {
      const response = await session.post('/api/settlement/run', body);
      expect(response.status).toBe(400);
      expect(cluster.state.runs).toEqual([]);
    },
  );

  test("answers with settlement's own reason", async () => {
    cluster.state.runRefusal = unavailable();
    const response = await session.post('/api/settlement/run', { dryRun: false });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      reason: 'UNAVAILABLE',
      detail: 'the TRON node does not answer',
    });
  });
});

describe('resolving a deposit', () => {
  const order = {
    resolutionId: '01'.repeat(32),
    txid: '08'.repeat(32),
    index: 0,
    reason: 'ticket 12',
  };
  const credit = { ...order, creditAccount: 'TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC' };
  test('is passed on with the name of who decides, and recorded before and after', async () => {
    letWait(cluster.state, 'paid twice?');
    const response = await session.post('/api/deposits/resolve', credit);
    expect(await response.json()).toEqual({ state: 'credited', note: '' });
    expect(cluster.state.resolutions).toMatchObject([
      {
        ...{ index: 0, reason: 'ticket 12', operator: 'operator' },
        decision: { $case: 'creditAccount', value: credit.creditAccount },
        txid: Buffer.alloc(32, 8),
      },
    ]);
    await session.post('/api/deposits/resolve', { ...order, dismiss: true });
    expect(cluster.state.resolutions[1]?.decision).toEqual({ $case: 'dismiss', value: true });
    const { rows, done } = await audit(4);
    expect(done).toEqual([
      ...['deposit-dismiss ok', 'deposit-dismiss requested'],
      ...['deposit-credit ok', 'deposit-credit requested'],
    ]);
    expect(rows[3]?.detail).toBe(`${credit.txid}:0 to ${credit.creditAccount}: ticket 12`);
  });

  test.each([
    ['nothing', {}],
    ['neither account nor dismissal', order],
    ['both', { ...credit, dismiss: true }],
    ['no dismissal', { ...order, dismiss: false }],
    ['an empty account', { ...order, creditAccount: '' }],
    ['no reason', { ...credit, reason: '  ' }],
    ['a zero byte in the reason', { ...credit, reason: 'tick\0et' }],
    ['a short transaction', { ...credit, txid: '08' }],
    ['an index below 0', { ...credit, index: -1 }],
    ['an amount', { ...credit, amountUnits: '5' }],
  ])('with %s is refused', async (_case, body) => {
    const response = await session.post('/api/deposits/resolve', body);
    expect(response.status).toBe(400);
    expect(cluster.state.resolutions).toEqual([]);
  });

  test('without the CSRF header is refused', async () => {
    const headers = { 'x-csrf-token': '' };
    const response = await session.post('/api/deposits/resolve', credit, headers);
    expect(response.status).toBe(403);
    expect(cluster.state.resolutions).toEqual([]);
  });

  test("answers with settlement's own reason, which is recorded", async () => {
    cluster.state.runRefusal = unavailable();
    const response = await session.post('/api/deposits/resolve', credit);
    expect(response.status).toBe(503);
    expect((await audit(1)).done).toEqual(['deposit-credit UNAVAILABLE']);
  });
});

describe('deciding about a batch', () => {
  const yes = { batchNo: '12', decision: 'approve', name: 'ann', reason: 'ticket 12' };
  const decide = (body: unknown, headers = {}) =>
    session.post('/api/batches/decide', body, headers);
  beforeEach(() => letWaitForApproval(cluster.state, 13n, 12n));

  test('is passed on with name and reason, and recorded before and after', async () => {
    expect(await (await decide(yes)).json()).toEqual({ state: 'planned', decidedBy: 'ann' });
    const no = { ...yes, batchNo: '13', decision: 'reject', name: ' bob ', reason: 'looks odd' };
    expect(await (await decide(no)).json()).toEqual({ state: 'failed', decidedBy: 'bob' });
    expect(cluster.state.decisions).toEqual([
      { batchNo: 12n, approve: true, operator: 'ann', note: 'ticket 12' },
      { batchNo: 13n, approve: false, operator: 'bob', note: 'looks odd' },
    ]);
    const { rows, done } = await audit(4);
    expect(done).toEqual([
      ...['batch-reject ok', 'batch-reject requested'],
      ...['batch-approve ok', 'batch-approve requested'],
    ]);
    expect(rows[3]?.detail).toBe('batch 12 by ann: ticket 12');
  });

  test('may be repeated, and a later other one is refused; each is recorded', async () => {
    expect([(await decide(yes)).status, (await decide(yes)).status]).toEqual([200, 200]);
    const other = await decide({ ...yes, decision: 'reject', name: 'bob' });
    expect(other.status).toBe(403);
    expect(await other.json()).toEqual({
      reason: 'NOT_PERMITTED',
      detail: 'batch 12 was approved by ann',
    });
    expect(await decide({ ...yes, batchNo: '99' })).toMatchObject({ status: 404 });
    expect((await audit(8)).done).toEqual([
      ...['batch-approve NOT_FOUND', 'batch-approve requested'],
      ...['batch-reject NOT_PERMITTED', 'batch-reject requested'],
      ...['batch-approve ok', 'batch-approve requested'],
      ...['batch-approve ok', 'batch-approve requested'],
    ]);
  });

  test.each([
    ['nothing', {}],
    ['no decision', { ...yes, decision: undefined }],
    ['another decision', { ...yes, decision: 'yes' }],
    ['no name', { ...yes, name: ' ' }],
    ['no reason', { ...yes, reason: '  ' }],
    ['a zero byte in the reason', { ...yes, reason: 'tick\0et' }],
    ['half a pair in the name', { ...yes, name: 'ann\ud800' }],
    ['a long reason', { ...yes, reason: 'x'.repeat(257) }],
    ['no batch', { ...yes, batchNo: '0' }],
    ['a number for the batch', { ...yes, batchNo: 12 }],
    ['a batch beyond 64 bits', { ...yes, batchNo: '9'.repeat(19) }],
    ['an amount', { ...yes, totalUnits: '5' }],
  ])('with %s is refused', async (_case, body) => {
    expect((await decide(body)).status).toBe(400);
    expect(cluster.state.decisions).toEqual([]);
  });

  test.each([
    ['without the CSRF header', { 'x-csrf-token': '' }],
    ['with a wrong CSRF header', { 'x-csrf-token': 'x' }],
    ['from another site', { origin: 'https://evil.example' }],
  ])('%s is refused', async (_case, headers) => {
    expect((await decide(yes, headers)).status).toBe(403);
    expect(cluster.state.decisions).toEqual([]);
  });

  test("answers with settlement's own reason, which is recorded", async () => {
    cluster.state.runRefusal = unavailable();
    expect((await decide(yes)).status).toBe(503);
    expect((await audit(1)).done).toEqual(['batch-approve UNAVAILABLE']);
  });

  test('is not taken when it cannot be recorded', async () => {
    const { sql } = world.database;
    await sql`revoke insert on admin.audit from swarmledger_admin`;
    try {
      expect((await decide(yes)).status).toBe(503);
    } finally {
      await sql`grant insert on admin.audit to swarmledger_admin`;
    }
    expect(cluster.state.decisions).toEqual([]);
    expect((await decide(yes)).status).toBe(200);
  });

  test('shows whom a batch pays', async () => {
    const payees = (batch: string) => session.fetch(`/api/batches/${batch}/payees`);
    const { payees: shown } = (await (await payees('12')).json()) as { payees: object[] };
    expect(shown).toHaveLength(20);
    expect(shown[0]).toEqual({
      destination: 'TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC',
      units: '24000000',
    });
    expect((await payees('99')).status).toBe(404);
    expect((await payees('x')).status).toBe(400);
  });
});
