import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, freePort, freshDatabase, type TestDatabase } from '#libs/testing';
import { BrowserSession } from './browser-session.js';
import { type FakeCluster, startFakeCluster } from './fake-cluster.js';
import { OPERATOR_TOKEN, Relay, startAdmin } from './running-admin.js';

// Goal: whatever the dashboard watches may die; the page goes on and says so. Method: Postgres stands
// behind a relay that is closed, the other services are stopped, Kafka is never there.

let testDatabase: TestDatabase;
let relay: Relay;
let cluster: FakeCluster;
let admin: Awaited<ReturnType<typeof startAdmin>>;
let session: BrowserSession;

beforeAll(async () => {
  testDatabase = await freshDatabase();
  const url = new URL(testDatabase.url);
  relay = new Relay({ host: url.hostname, port: Number(url.port || 5432) });
  await relay.open();
  url.hostname = '127.0.0.1';
  url.port = String(relay.port);
  cluster = await startFakeCluster();
  admin = await startAdmin({
    databaseUrl: url.href,
    kafkaBrokers: `127.0.0.1:${await freePort()}`,
    cluster,
    httpPort: await freePort(),
  });
  session = new BrowserSession(admin.url);
  expect((await session.login(OPERATOR_TOKEN)).status).toBe(200);
  expect((await session.fetch('/readyz')).status).toBe(200);
});

afterAll(async () => {
  await admin.stop();
  await cluster.stop();
  await relay.close();
  await testDatabase.drop();
});

describe('a dead dependency shows on a page that works', () => {
  test('Kafka', async () => {
    await eventually(async () => {
      const { logEnds, rate, lag, totals, state } = await session.snapshot();
      expect(logEnds.state).toBe('failed');
      expect(rate.failure).not.toBeNull();
      expect(lag).toBeNull();
      expect(totals.state).toBe('ok');
      expect(state).toBe('degraded');
    });
  });

  test('Postgres: signed-in operators still look, nobody signs in or acts, and it comes back', async () => {
    await session.snapshot();
    await relay.close();
    await eventually(
      async () => {
        const { postgres, deposits, totals } = await session.snapshot();
        expect([postgres.state, deposits.state, totals.state]).toEqual(['failed', 'failed', 'ok']);
      },
      { timeoutMs: 30_000 },
    );
    expect((await session.fetch('/')).status).toBe(200);
    expect((await session.fetch('/readyz')).status).toBe(200);
    const run = await session.post('/api/settlement/run', { dryRun: false });
    expect([run.status, cluster.state.runs]).toEqual([503, []]);
    const stranger = new BrowserSession(admin.url);
    expect((await stranger.login(OPERATOR_TOKEN)).status).toBe(503);
    expect((await stranger.fetch('/api/snapshot')).status).not.toBe(200);

    await relay.open();
    await eventually(async () => expect((await session.snapshot()).postgres.state).toBe('ok'), {
      timeoutMs: 45_000,
    });
  });

  test('the services', async () => {
    await cluster.stop();
    await eventually(async () => {
      const { services, totals, settlement } = await session.snapshot();
      expect(services.ingest).toMatchObject({ state: 'failed' });
      expect(services.ingest?.failure).toContain('ECONNREFUSED');
      expect(totals).toMatchObject({ state: 'failed', value: { conserved: true } });
      expect(settlement.failure).toContain('settlement does not answer');
    });
    const run = await session.post('/api/settlement/run', { dryRun: false });
    expect(((await run.json()) as { reason: string }).reason).toBe('OUTCOME_UNKNOWN');
  });
});
