import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, freePort } from '#libs/testing';
import { AdminWorld } from './admin-world.js';
import type { BrowserSession } from './browser-session.js';
import { OPERATOR_TOKEN } from './running-admin.js';

// Goal: whatever the dashboard watches may die; the page goes on and says so. Method: Postgres stands
// behind a relay that is closed, the other services are stopped, Kafka is never there.

let world: AdminWorld;
let session: BrowserSession;

beforeAll(async () => {
  const kafkaBrokers = `127.0.0.1:${await freePort()}`;
  world = await AdminWorld.start({ kafkaBrokers, relayedDatabase: true });
  session = world.visitor();
  expect((await session.login(OPERATOR_TOKEN)).status).toBe(200);
  expect((await session.fetch('/readyz')).status).toBe(200);
});

afterAll(() => world.stop());

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
    await world.databaseRelay.close();
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
    expect([run.status, world.cluster.state.runs]).toEqual([503, []]);
    const stranger = world.visitor();
    expect((await stranger.login(OPERATOR_TOKEN)).status).toBe(503);
    expect((await stranger.fetch('/api/snapshot')).status).not.toBe(200);

    await world.databaseRelay.open();
    await eventually(async () => expect((await session.snapshot()).postgres.state).toBe('ok'), {
      timeoutMs: 45_000,
    });
  });

  test('the services', async () => {
    await world.cluster.stop();
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
