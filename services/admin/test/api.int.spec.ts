import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LedgerEvent, TOPICS } from '#libs/contracts';
import { createKafka, Producer } from '#libs/kafka';
import { createLogger } from '#libs/observability';
import { eventually, testKafkaBrokers } from '#libs/testing';
import { AdminWorld } from './admin-world.js';
import type { BrowserSession } from './browser-session.js';
import { letWaitForApproval } from './fake-batches.js';
import { type FakeCluster, letWait } from './fake-cluster.js';
import { OPERATOR_TOKEN } from './running-admin.js';

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
});

const reasonOf = async (response: Response) =>
  ((await response.json()) as { reason: string }).reason;

describe('without a session', () => {
  test.each([
    ['GET', '/api/snapshot'],
    ['GET', '/api/stream'],
    ['GET', '/api/session'],
    ['DELETE', '/api/session'],
    ['POST', '/api/settlement/run'],
    ['POST', '/api/deposits/resolve'],
    ['GET', '/api/batches/7/payees'],
    ['POST', '/api/batches/decide'],
  ])('%s %s is refused', async (method, path) => {
    const response = await session.fetch(path, { method });
    expect(response.status).toBe(401);
    expect(await reasonOf(response)).toBe('UNAUTHENTICATED');
    expect(cluster.state.runs).toEqual([]);
  });

  test('the page leads to signing in', async () => {
    const response = await session.fetch('/');
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/login');
  });

  test.each(['/healthz', '/readyz', '/metrics'])('%s answers the cluster', async (path) => {
    expect((await session.fetch(path)).status).toBe(200);
  });

  test.each([
    '/assets/nothing.js',
    '/assets/..%2f..%2fsrc%2fmain.ts',
    '/assets/%2e%2e/index.html',
    '/nothing',
  ])('%s is not found, and the answer says so in JSON', async (path) => {
    const response = await session.fetch(path);
    expect(response.status).toBe(404);
    expect(await reasonOf(response)).toBe('NOT_FOUND');
  });
});

describe('signing in', () => {
  test('sets a cookie that no script and no other site can use, and signing out ends it', async () => {
    const response = await session.login(OPERATOR_TOKEN);
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict$/);
    expect(await session.snapshot()).toHaveProperty('state');
    expect((await session.fetch('/api/session', { method: 'DELETE' })).status).toBe(204);
    expect((await session.fetch('/api/snapshot')).status).toBe(401);
  });

  test('is locked after ten wrong tokens, also for guesses at the same time', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 14 }, (_, n) => session.post('/api/session', { token: `guess ${n}` })),
    );
    const statuses = guesses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    expect((await session.login(OPERATOR_TOKEN)).status).toBe(429);
  });

  test.each([
    ['no body', '', 400],
    ['broken JSON', '{', 400],
    ['another shape', { token: 5 }, 400],
    ['a field too many', { token: 'x', role: 'operator' }, 400],
    ['a huge body', { token: 'x'.repeat(70_000) }, 413],
  ])('with %s is refused', async (_case, body, status) => {
    const response = await session.post('/api/session', body);
    expect(response.status).toBe(status);
    expect(await reasonOf(response)).toBe(status === 413 ? 'LIMIT_EXCEEDED' : 'MALFORMED');
  });

  test('from another site is refused', async () => {
    const headers = { origin: 'https://evil.example' };
    const response = await session.post('/api/session', { token: OPERATOR_TOKEN }, headers);
    expect(response.status).toBe(403);
  });
});

describe('every answer', () => {
  test.each(['/login', '/assets/base.css', '/api/snapshot', '/healthz', '/nothing'])(
    'of %s has the security headers',
    async (path) => {
      const { headers } = await session.fetch(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|data:|\*/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      if (path.startsWith('/api')) expect(headers.get('cache-control')).toBe('no-store');
    },
  );

  test('of a file is kept by the browser until the file changes', async () => {
    const etag = (await session.fetch('/login')).headers.get('etag') ?? '';
    const again = await session.fetch('/login', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });
});

describe('the snapshot', () => {
  beforeEach(() => session.login(OPERATOR_TOKEN));

  test('shows what the services say, amounts as exact text', async () => {
    await eventually(async () => {
      const snapshot = await session.snapshot();
      expect(snapshot.totals.value).toMatchObject({
        availableUnits: '14000250000',
        conserved: true,
        assets: [{ asset: 'TRC20_BTT', depositedUnits: '12500250000' }, {}],
      });
      expect(snapshot.batches.value).toMatchObject([{ batchNo: '7', state: 'broadcast' }, {}]);
      expect(snapshot.rounds.value).toMatchObject([{ roundNo: '311', swarm: 'ab'.repeat(20) }]);
      expect(snapshot.settlement.value).toMatchObject({ solidBlock: '4802', queued: '3' });
      expect(snapshot.services.ingest?.value).toMatchObject({ ready: true, version: '0.1.0' });
      expect(snapshot.logEnds.value).toHaveLength(8);
      expect(snapshot.state).toBe('ok');
    });
  });

  test('raises alarms', async () => {
    cluster.state.totals.conserved = false;
    cluster.state.totals.firstDifference = 'fees: tables 5, journal 6';
    cluster.state.status.paused = 'drift';
    await eventually(async () => {
      const { alarms, state } = await session.snapshot();
      expect(state).toBe('alarm');
      expect(alarms.map(({ name }) => name)).toEqual(['conservation', 'settlement']);
    });
    await eventually(async () => {
      const metrics = await (await session.fetch('/metrics')).text();
      // As a yes or no: the whole page of metrics would drown a failure.
      expect(/swarmledger_alarm_active\{alarm="conservation".*\} 1/.test(metrics)).toBe(true);
    });
  });

  test('lists what waits for an operator, and raises an alarm for what is held', async () => {
    letWait(cluster.state, 'paid twice?');
    await eventually(async () => {
      const { alarms, held } = await session.snapshot();
      expect(held.value).toMatchObject([
        { kind: 'payout', state: 'held', units: '2500000', reason: 'paid twice?' },
        { kind: 'deposit', state: 'suspense', asset: 'TRC10_BTTOLD', id: '08'.repeat(32) },
      ]);
      expect(alarms.map(({ name }) => name)).toEqual(['held']);
    });
  });

  test('lists large batches that wait for approval, and raises an alarm', async () => {
    letWaitForApproval(cluster.state, 12n);
    await eventually(async () => {
      const { alarms, undecided } = await session.snapshot();
      expect(undecided.value).toMatchObject([
        { batchNo: '12', way: 'batch', payouts: 20, totalUnits: '480000000', feeSun: '62340000' },
      ]);
      expect(alarms.map(({ name }) => name)).toEqual(['approval']);
    });
    await eventually(async () => {
      const metrics = await (await session.fetch('/metrics')).text();
      expect(/swarmledger_alarm_active\{alarm="approval".*\} 1/.test(metrics)).toBe(true);
    });
  });

  test('raises an alarm when the voucher log ends below what was applied', async () => {
    const { sql } = world.database;
    await sql`update ledger.log_offsets set next_offset = next_offset + 1000000
      where topic = 'vouchers' and part = 2`;
    try {
      await eventually(async () => {
        const { alarms } = await session.snapshot();
        expect(alarms.map(({ name }) => name)).toEqual(['log']);
        expect(alarms[0]?.text).toMatch(/partition 2 ends at \d+, applied up to 1000000/);
      });
    } finally {
      await sql`update ledger.log_offsets set next_offset = 0 where topic = 'vouchers' and part = 2`;
    }
    await eventually(async () => expect((await session.snapshot()).alarms).toEqual([]));
  });

  test('shows a service that is not ready with its checks', async () => {
    cluster.state.checks = { kafka: 'no answer' };
    await eventually(async () => {
      const { services, state } = await session.snapshot();
      expect(services.ingest?.value).toMatchObject({
        ready: false,
        checks: { kafka: 'no answer' },
      });
      expect(state).toBe('degraded');
    });
  });

  test('counts the vouchers that flushes apply, live from the ledger events', async () => {
    await eventually(async () => expect((await session.snapshot()).rate.failure).toBeNull());
    const logger = createLogger({ name: 'test', level: 'silent' });
    const brokers = testKafkaBrokers().split(',');
    const producer = new Producer(createKafka({ clientId: 'test', brokers, logger }));
    await producer.connect();
    const flush = { partition: 0, nextOffset: 1n, channels: 250, units: 9n };
    const event = { eventNo: 1n, atMs: 1n, event: { $case: 'flush' as const, value: flush } };
    const value = Buffer.from(LedgerEvent.encode(event).finish());
    const record = { topic: TOPICS.ledgerEvents.name, key: '0', value };
    // An unreadable event between the good ones is passed over.
    const broken = { ...record, value: Buffer.from('ff', 'hex') };
    await producer.send([record, broken, record]);
    await producer.disconnect();
    await eventually(async () => {
      const { rate } = await session.snapshot();
      expect(rate.series.reduce((sum, count) => sum + count, 0)).toBe(500);
      expect(rate.perSecond).toBeGreaterThan(0);
    });
  });

  test('shows how many payments are accepted a second, by all processes together', async () => {
    await eventually(
      async () => expect((await session.snapshot()).rate.acceptedPerSecond).toBe(0),
      {
        timeoutMs: 20_000,
      },
    );
    cluster.state.accepted += 600;
    await eventually(async () => {
      // Two processes say so, over six seconds; each is read at its own moment.
      expect((await session.snapshot()).rate.acceptedPerSecond).toBeGreaterThanOrEqual(100);
    });
  });

  test('comes every second on the stream, which ends with the session', async () => {
    const times: number[] = [];
    let last = '';
    for await (const { event, data } of session.stream()) {
      last = event;
      if (event === 'snapshot') times.push(data.atMs);
      if (times.length === 3) await session.fetch('/api/session', { method: 'DELETE' });
    }
    expect(last).toBe('bye');
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(800);
  });
});
