import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sign } from '#libs/crypto';
import { LIMITS } from '#libs/domain';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { sessionKeyMessage } from '../src/application/session-keys.service.js';
import { reason, value } from './ledger.kit.js';
import { CAP, HOUR, newKey, SessionWorld } from './session-keys.kit.js';

let on: SessionWorld;

beforeAll(async () => {
  on = await SessionWorld.start();
});
afterAll(() => on?.stop());

describe('DelegateSessionKey', () => {
  it('keeps a delegation once, and shows it to its account as it is', async () => {
    const [key, expiresAtMs] = [newKey(), on.soon()];
    const first = value(await on.delegate(key, { expiresAtMs }));
    expect(sessionKeyMessage(first)).toEqual({
      ...{ account: on.payer.address, key: key.address, capUnits: CAP, usedUnits: 0n, expiresAtMs },
      ...{ delegatedAtMs: on.kit.time.nowMs, revokedAtMs: 0n },
    });
    value(await on.open(key, 400n));
    on.kit.time.nowMs += 5n;
    const again = value(await on.delegate(key, { expiresAtMs }));
    expect(again).toEqual({ ...first, usedUnits: 400n });
    const metadata = new Metadata();
    const validUntilMs = on.soon();
    const digest = on.kit.digests.session(on.payer.address, validUntilMs);
    const signature = sign(digest, on.payer.privateKey);
    const session = formatSession({ account: on.payer.address, validUntilMs, signature });
    metadata.set(SESSION_TRAILER, session);
    const page = value(await on.kit.use.statements.listSessionKeys(metadata, undefined));
    expect(page.items[0]).toEqual(again);
  });

  it('delegates once when the same request comes ten times at once', async () => {
    const [key, expiresAtMs] = [newKey(), on.soon()];
    const results = await Promise.all(
      Array.from({ length: 10 }, () => on.delegate(key, { expiresAtMs })),
    );
    expect(new Set(results.map((result) => value(result).sessionKeyNo)).size).toBe(1);
  });

  it('takes a compressed key for what it is', async () => {
    const key = newKey();
    const sign65 = Buffer.from(key.publicKey);
    const compressed = Buffer.concat([Buffer.of(2 + (sign65[64]! & 1)), sign65.subarray(1, 33)]);
    const stored = value(
      await on.kit.use.sessionKeys.delegate({ ...on.delegation(key), publicKey: compressed }),
    );
    expect(stored.publicKey).toEqual(sign65);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['a stranger', 'ACCOUNT_UNKNOWN', () => on.delegate(newKey(), { by: newKey() })],
    ['another’s signature', 'BAD_SIGNATURE', () => on.delegate(newKey(), { signer: on.payee })],
    [
      'the key’s own signature',
      'BAD_SIGNATURE',
      () => {
        const key = newKey();
        return on.delegate(key, { signer: key });
      },
    ],
    ['the account’s own key', 'MALFORMED', () => on.delegate(on.payer)],
    ['no cap', 'MALFORMED', () => on.delegate(newKey(), { capUnits: 0n })],
    ['no expiry', 'MALFORMED', () => on.delegate(newKey(), { expiresAtMs: 0n })],
    [
      'an expiry in the past',
      'EXPIRED',
      () => on.delegate(newKey(), { expiresAtMs: on.kit.time.nowMs }),
    ],
    [
      'an expiry too far ahead',
      'MALFORMED',
      () =>
        on.delegate(newKey(), { expiresAtMs: on.kit.time.nowMs + LIMITS.sessionKeyLifeMaxMs + 1n }),
    ],
    ['a request that is over', 'EXPIRED', () => on.delegate(newKey(), { validUntilMs: 1n })],
    [
      'no public key',
      'MALFORMED',
      () =>
        on.kit.use.sessionKeys.delegate({
          ...on.delegation(newKey()),
          publicKey: Buffer.alloc(65, 4),
        }),
    ],
    [
      'no account',
      'MALFORMED',
      () => on.kit.use.sessionKeys.delegate({ ...on.delegation(newKey()), account: 'T' }),
    ],
    [
      'a time that cannot be',
      'MALFORMED',
      () => on.kit.use.sessionKeys.delegate({ ...on.delegation(newKey()), validUntilMs: -1n }),
    ],
    [
      'another cap than was signed',
      'BAD_SIGNATURE',
      () => on.kit.use.sessionKeys.delegate({ ...on.delegation(newKey()), capUnits: CAP + 1n }),
    ],
  ])('refuses %s', async (_what, expected, ask) => {
    expect(reason((await ask()) as Awaited<ReturnType<SessionWorld['delegate']>>)).toBe(expected);
  });

  it('refuses the same key with other terms, also after its revocation', async () => {
    const [key, expiresAtMs] = [newKey(), on.soon()];
    value(await on.delegate(key, { expiresAtMs }));
    expect(reason(await on.delegate(key, { expiresAtMs, capUnits: CAP + 1n }))).toBe('ID_REUSED');
    expect(reason(await on.delegate(key, { expiresAtMs: expiresAtMs + 1n }))).toBe('ID_REUSED');
    value(await on.revoke(key));
    expect(value(await on.delegate(key, { expiresAtMs })).revokedAtMs).not.toBeNull();
    expect(reason(await on.open(key, 1n))).toBe('KEY_NOT_DELEGATED');
  });

  it('bounds how many of an account are alive, at once and one by one', async () => {
    const by = await on.kit.account();
    const keys = Array.from({ length: LIMITS.sessionKeysMax + 8 }, newKey);
    const results = await Promise.all(keys.map((key) => on.delegate(key, { by })));
    const made = keys.filter((_, at) => results[at]?.ok);
    expect(made).toHaveLength(LIMITS.sessionKeysMax);
    expect(results.filter((each) => !each.ok).map(reason)).toEqual(
      new Array(8).fill('LIMIT_EXCEEDED'),
    );
    value(await on.revoke(made[0]!, { by }));
    value(await on.delegate(newKey(), { by }));
    expect(reason(await on.delegate(newKey(), { by }))).toBe('LIMIT_EXCEEDED');
    // Those that have expired do not count.
    on.kit.time.nowMs += HOUR;
    value(await on.delegate(newKey(), { by }));
  });
});

describe('RevokeSessionKey', () => {
  it('wants the account’s signature over a key that it has delegated', async () => {
    const key = await on.delegated();
    expect(reason(await on.revoke(key, { by: on.payee }))).toBe('KEY_NOT_DELEGATED');
    expect(reason(await on.revoke(newKey()))).toBe('KEY_NOT_DELEGATED');
    expect(reason(await on.revoke(key, { validUntilMs: 1n }))).toBe('EXPIRED');
    const signed = { account: on.payer.address, key: key.address, validUntilMs: on.soon() };
    const digest = on.kit.digests.revokeSessionKey(signed);
    const byKey = Buffer.from(sign(digest, key.privateKey));
    const { sessionKeys } = on.kit.use;
    expect(reason(await sessionKeys.revoke({ ...signed, signature: byKey }))).toBe('BAD_SIGNATURE');
    const signature = Buffer.from(sign(digest, on.payer.privateKey));
    for (const change of [{ key: 'T' }, { account: '' }, { validUntilMs: 0n }]) {
      expect(reason(await sessionKeys.revoke({ ...signed, signature, ...change }))).toBe(
        'MALFORMED',
      );
    }
    value(await on.open(key, 1n));
  });

  it('cannot be undone in the database either: the service may not touch what was signed', async () => {
    const key = await on.delegated();
    const at = on.kit.database.sql`address = ${key.address}`;
    const { sql } = on.kit.database;
    for (const change of [
      sql`update ledger.session_keys set cap_units = 9 where ${at}`,
      sql`update ledger.session_keys set expires_at_ms = 9 where ${at}`,
      sql`delete from ledger.session_keys where ${at}`,
    ]) {
      await expect(change).rejects.toThrow(/permission denied/);
    }
    await expect(
      sql`update ledger.session_keys set used_units = cap_units + 1 where ${at}`,
    ).rejects.toThrow(/check/);
  });
});
