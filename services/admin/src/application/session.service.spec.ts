import { beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '#libs/observability';
import { InMemoryStores } from '../../test/in-memory-stores.js';
import { FAILURES_MAX, LOCK_MS } from '../domain/lockout.js';
import { SessionService } from './session.service.js';
import { csrfToken, sameSecret, sessionHash } from './tokens.js';

const TOKEN = 'the-operator-token';
const HOUR_MS = 3_600_000;
let stores: InMemoryStores;
let nowMs: bigint;
let service: SessionService;

beforeEach(() => {
  stores = new InMemoryStores();
  nowMs = 1_700_000_000_000n;
  service = new SessionService({
    sessions: stores,
    attempts: stores.attempts,
    audit: stores,
    operatorToken: TOKEN,
    sessionMs: HOUR_MS,
    now: () => nowMs,
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
});

async function signIn(): Promise<string> {
  const opened = await service.login(TOKEN, '10.0.0.1');
  if (!opened.ok) throw new Error(opened.detail);
  return opened.value.token;
}

describe('signing in', () => {
  test('opens a session that is stored by its hash only', async () => {
    const token = await signIn();
    expect([...stores.sessions.keys()]).toEqual([sessionHash(token).toString('hex')]);
    expect(await service.find(token)).toMatchObject({
      ok: true,
      value: { actor: 'operator', role: 'operator', remembered: false },
    });
    expect(stores.entries).toMatchObject([{ action: 'login', outcome: 'ok', address: '10.0.0.1' }]);
  });

  test('makes a new session each time', async () => {
    expect(await signIn()).not.toBe(await signIn());
  });

  test.each(['', 'wrong', `${TOKEN} `, TOKEN.slice(1), 'x'.repeat(1_000)])(
    'is refused with the token %j',
    async (token) => {
      const refused = { ok: false, reason: 'UNAUTHENTICATED' };
      expect(await service.login(token, '10.0.0.1')).toMatchObject(refused);
      expect(stores.sessions.size).toBe(0);
      expect(stores.entries).toMatchObject([{ actor: 'unknown', outcome: 'refused' }]);
    },
  );

  test('is locked for an address after ten wrong tokens, with the right one too', async () => {
    for (let n = 0; n < FAILURES_MAX; n++) await service.login('wrong', '10.0.0.1');
    expect(await service.login(TOKEN, '10.0.0.1')).toMatchObject({ reason: 'OVERLOADED' });
    expect(await service.login(TOKEN, '10.0.0.2')).toMatchObject({ ok: true });
    expect(stores.entries.at(FAILURES_MAX - 1)?.outcome).toBe('refused, address locked');
    nowMs += LOCK_MS;
    expect(await service.login(TOKEN, '10.0.0.1')).toMatchObject({ ok: true });
  });

  test('forgets the failures of an address that got in', async () => {
    for (let n = 1; n < FAILURES_MAX; n++) await service.login('wrong', '10.0.0.1');
    await signIn();
    expect(stores.counts.size).toBe(0);
  });

  test('fails closed without the database', async () => {
    stores.outage = new Error('ECONNREFUSED');
    await expect(service.login(TOKEN, '10.0.0.1')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a session', () => {
  test.each([undefined, '', 'made-up', 'x'.repeat(10_000)])('is not %j', async (token) => {
    expect(await service.find(token)).toMatchObject({ ok: false, reason: 'UNAUTHENTICATED' });
  });

  test('ends with its time', async () => {
    const token = await signIn();
    nowMs += BigInt(HOUR_MS) - 1n;
    expect(await service.find(token)).toMatchObject({ ok: true });
    nowMs += 1n;
    expect(await service.find(token)).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('ends with signing out', async () => {
    const token = await signIn();
    const found = await service.find(token);
    if (!found.ok) throw new Error(found.detail);
    await service.logout(found.value, '10.0.0.1');
    expect(await service.find(token)).toMatchObject({ reason: 'UNAUTHENTICATED' });
    expect(stores.entries.at(-1)?.action).toBe('logout');
  });

  test('seen before is remembered for looking while the database is away, until it expires', async () => {
    const token = await signIn();
    await service.find(token);
    stores.outage = new Error('ECONNREFUSED');
    expect(await service.find(token)).toMatchObject({ ok: true, value: { remembered: true } });
    expect(await service.find('made-up')).toMatchObject({ reason: 'UNAVAILABLE' });
    nowMs += BigInt(HOUR_MS);
    expect(await service.find(token)).toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('that was signed out is not remembered', async () => {
    const token = await signIn();
    const found = await service.find(token);
    if (found.ok) await service.logout(found.value, '10.0.0.1');
    stores.outage = new Error('ECONNREFUSED');
    expect(await service.find(token)).toMatchObject({ reason: 'UNAVAILABLE' });
  });
});

test('secrets compare by content, and what is derived from a cookie does not give it away', () => {
  expect(sameSecret('a', 'a')).toBe(true);
  expect(sameSecret('a', 'b')).toBe(false);
  expect(sameSecret('a', 'aa')).toBe(false);
  expect(csrfToken('cookie')).not.toBe(sessionHash('cookie').toString('base64url'));
});
