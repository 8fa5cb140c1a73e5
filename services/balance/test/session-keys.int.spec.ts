import { randomBytes } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsRecord, LedgerEvent, TOPICS } from '#libs/contracts';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { LIMITS, tickChain } from '#libs/domain';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { channelMessage, channelView } from '../src/application/events.js';
import { sessionKeyMessage } from '../src/application/session-keys.service.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, finalize, ledgerKit, reason, record, value } from './ledger.kit.js';

const CAP = 1_000n;
const HOUR = 3_600_000n;

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;
let payer: KeyPair;
let payee: KeyPair;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
  payer = await kit.account(1_000_000n);
  payee = await kit.account();
});
afterAll(async () => {
  const totals = await kit.use.totals.get();
  // What a key has used is what it has locked, whatever happened above.
  const astray = await kit.database.sql`
    select k.address from ledger.session_keys k
    left join ledger.channels c on c.session_key_no = k.session_key_no
    group by k.session_key_no having coalesce(sum(c.deposit_units), 0) <> k.used_units`;
  await kit.database.close();
  await server.drop();
  expect(totals.conserved).toBe(true);
  expect(astray).toHaveLength(0);
});

const newKey = () => keyPairOf(randomBytes(32));
const soon = () => kit.time.nowMs + HOUR;
type Terms = { by?: KeyPair; signer?: KeyPair; capUnits?: bigint; expiresAtMs?: bigint };

function delegation(key: KeyPair, terms: Terms & { validUntilMs?: bigint } = {}) {
  const { by = payer, signer = by, capUnits = CAP, expiresAtMs = soon() } = terms;
  const { validUntilMs = soon() } = terms;
  const signed = { account: by.address, key: key.address, capUnits, expiresAtMs, validUntilMs };
  const signature = Buffer.from(sign(kit.digests.delegateSessionKey(signed), signer.privateKey));
  return { ...signed, publicKey: Buffer.from(key.publicKey), signature };
}
const delegate = (key: KeyPair, terms: Parameters<typeof delegation>[1] = {}) =>
  kit.use.sessionKeys.delegate(delegation(key, terms));
async function delegated(terms: Terms = {}): Promise<KeyPair> {
  const key = newKey();
  value(await delegate(key, terms));
  return key;
}

function revoke(key: { address: string }, { by = payer, validUntilMs = soon() } = {}) {
  const signed = { account: by.address, key: key.address, validUntilMs };
  const signature = Buffer.from(sign(kit.digests.revokeSessionKey(signed), by.privateKey));
  return kit.use.sessionKeys.revoke({ ...signed, signature });
}

/** An opening for the payer that a session key signs; `change` comes after the signature. */
function opening(key: KeyPair, depositUnits: bigint, salt: Buffer = randomBytes(32), change = {}) {
  const terms = {
    ...{ payer: payer.address, payee: payee.address, depositUnits, salt, ticks: undefined },
    validUntilMs: soon(),
  };
  const signature = Buffer.from(sign(kit.digests.openChannel(terms), key.privateKey));
  return { ...terms, signature, signer: key.address, ...change };
}
const open = (key: KeyPair, depositUnits: bigint, salt?: Buffer, change = {}) =>
  kit.use.channels.open(opening(key, depositUnits, salt, change));
const used = async (key: KeyPair) =>
  (await kit.repositories.sessionKeys.find(payer.address, key.address))?.usedUnits;

describe('DelegateSessionKey', () => {
  it('keeps a delegation once, and shows it to its account as it is', async () => {
    const [key, expiresAtMs] = [newKey(), soon()];
    const first = value(await delegate(key, { expiresAtMs }));
    expect(sessionKeyMessage(first)).toEqual({
      ...{ account: payer.address, key: key.address, capUnits: CAP, usedUnits: 0n, expiresAtMs },
      ...{ delegatedAtMs: kit.time.nowMs, revokedAtMs: 0n },
    });
    value(await open(key, 400n));
    kit.time.nowMs += 5n;
    const again = value(await delegate(key, { expiresAtMs }));
    expect(again).toEqual({ ...first, usedUnits: 400n });
    const metadata = new Metadata();
    const validUntilMs = soon();
    const digest = kit.digests.session(payer.address, validUntilMs);
    const signature = sign(digest, payer.privateKey);
    const session = formatSession({ account: payer.address, validUntilMs, signature });
    metadata.set(SESSION_TRAILER, session);
    const page = value(await kit.use.statements.listSessionKeys(metadata, undefined));
    expect(page.items[0]).toEqual(again);
  });

  it('delegates once when the same request comes ten times at once', async () => {
    const [key, expiresAtMs] = [newKey(), soon()];
    const results = await Promise.all(
      Array.from({ length: 10 }, () => delegate(key, { expiresAtMs })),
    );
    expect(new Set(results.map((result) => value(result).sessionKeyNo)).size).toBe(1);
  });

  it('takes a compressed key for what it is', async () => {
    const key = newKey();
    const sign65 = Buffer.from(key.publicKey);
    const compressed = Buffer.concat([Buffer.of(2 + (sign65[64]! & 1)), sign65.subarray(1, 33)]);
    const stored = value(
      await kit.use.sessionKeys.delegate({ ...delegation(key), publicKey: compressed }),
    );
    expect(stored.publicKey).toEqual(sign65);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['a stranger', 'ACCOUNT_UNKNOWN', () => delegate(newKey(), { by: newKey() })],
    ['another’s signature', 'BAD_SIGNATURE', () => delegate(newKey(), { signer: payee })],
    [
      'the key’s own signature',
      'BAD_SIGNATURE',
      () => {
        const key = newKey();
        return delegate(key, { signer: key });
      },
    ],
    ['the account’s own key', 'MALFORMED', () => delegate(payer)],
    ['no cap', 'MALFORMED', () => delegate(newKey(), { capUnits: 0n })],
    ['no expiry', 'MALFORMED', () => delegate(newKey(), { expiresAtMs: 0n })],
    ['an expiry in the past', 'EXPIRED', () => delegate(newKey(), { expiresAtMs: kit.time.nowMs })],
    [
      'an expiry too far ahead',
      'MALFORMED',
      () => delegate(newKey(), { expiresAtMs: kit.time.nowMs + LIMITS.sessionKeyLifeMaxMs + 1n }),
    ],
    ['a request that is over', 'EXPIRED', () => delegate(newKey(), { validUntilMs: 1n })],
    [
      'no public key',
      'MALFORMED',
      () =>
        kit.use.sessionKeys.delegate({ ...delegation(newKey()), publicKey: Buffer.alloc(65, 4) }),
    ],
    [
      'no account',
      'MALFORMED',
      () => kit.use.sessionKeys.delegate({ ...delegation(newKey()), account: 'T' }),
    ],
    [
      'a time that cannot be',
      'MALFORMED',
      () => kit.use.sessionKeys.delegate({ ...delegation(newKey()), validUntilMs: -1n }),
    ],
    [
      'another cap than was signed',
      'BAD_SIGNATURE',
      () => kit.use.sessionKeys.delegate({ ...delegation(newKey()), capUnits: CAP + 1n }),
    ],
  ])('refuses %s', async (_what, expected, ask) => {
    expect(reason((await ask()) as Awaited<ReturnType<typeof delegate>>)).toBe(expected);
  });

  it('refuses the same key with other terms, also after its revocation', async () => {
    const [key, expiresAtMs] = [newKey(), soon()];
    value(await delegate(key, { expiresAtMs }));
    expect(reason(await delegate(key, { expiresAtMs, capUnits: CAP + 1n }))).toBe('ID_REUSED');
    expect(reason(await delegate(key, { expiresAtMs: expiresAtMs + 1n }))).toBe('ID_REUSED');
    value(await revoke(key));
    expect(value(await delegate(key, { expiresAtMs })).revokedAtMs).not.toBeNull();
    expect(reason(await open(key, 1n))).toBe('KEY_NOT_DELEGATED');
  });

  it('bounds how many of an account are alive, at once and one by one', async () => {
    const by = await kit.account();
    const keys = Array.from({ length: LIMITS.sessionKeysMax + 8 }, newKey);
    const results = await Promise.all(keys.map((key) => delegate(key, { by })));
    const made = keys.filter((_, at) => results[at]?.ok);
    expect(made).toHaveLength(LIMITS.sessionKeysMax);
    expect(results.filter((each) => !each.ok).map(reason)).toEqual(
      new Array(8).fill('LIMIT_EXCEEDED'),
    );
    value(await revoke(made[0]!, { by }));
    value(await delegate(newKey(), { by }));
    expect(reason(await delegate(newKey(), { by }))).toBe('LIMIT_EXCEEDED');
    // Those that have expired do not count.
    kit.time.nowMs += HOUR;
    value(await delegate(newKey(), { by }));
  });
});

describe('a channel opened by a session key', () => {
  async function apply(channel: StoredChannel, ...entries: Parameters<typeof record>[1]) {
    const offset = await kit.use.vouchers.nextOffset(channel.part);
    await kit.use.vouchers.apply(channel.part, [record(offset, entries)]);
  }
  async function published(channel: StoredChannel) {
    const rows = await kit.database.sql<{ topic: string; value: Buffer }[]>`
      select topic, value from ledger.outbox order by event_no`;
    const views = rows.flatMap(({ topic, value: bytes }) => {
      if (topic !== TOPICS.channels.name) return [];
      const news = ChannelsRecord.decode(bytes).record;
      return news?.$case === 'channel' ? [news.value] : [];
    });
    const events = rows.flatMap(({ topic, value: bytes }) => {
      if (topic !== TOPICS.ledgerEvents.name) return [];
      const { event } = LedgerEvent.decode(bytes);
      return event?.$case === 'channel' ? [event.value] : [];
    });
    return {
      view: views.findLast(({ channelId }) => channelId.equals(channel.channelId)),
      event: events.findLast(({ channelId }) => channelId.equals(channel.channelId)),
    };
  }

  it('locks the account’s units, and tells ingest and payees whose signature counts', async () => {
    const key = await delegated();
    const before = await kit.available(payer);
    const channel = value(await open(key, 400n));
    expect(await kit.available(payer)).toBe(before - 400n);
    expect(await used(key)).toBe(400n);
    expect(channelMessage(channel)).toMatchObject({ payer: payer.address, signer: key.address });
    const told = await published(channel);
    expect(told.view?.payerPublicKey).toEqual(Buffer.from(key.publicKey));
    expect(told.event?.signer).toBe(key.address);
    const [view] = value(await kit.use.channels.views(channel.channelId));
    expect(view).toEqual(channelView(channel));
    const own = await kit.channel(payer, payee.address, 5n);
    expect(channelMessage(own).signer).toBe(payer.address);
    expect(channelView(own).payerPublicKey).toEqual(Buffer.from(payer.publicKey));
  });

  it('pays, ends, and gives the remainder to the account but not to the cap', async () => {
    const key = await delegated();
    const before = await kit.available(payer);
    const channel = value(await open(key, 400n));
    await apply(channel, claim(channel, 150n));
    const closing = value(await kit.close(key, channel.channelId));
    const window = kit.use.network.describe().disputeWindowMs;
    expect(closing).toMatchObject({ state: 2, closesAtMs: kit.time.nowMs + window });
    await apply(channel, finalize(channel));
    expect(await kit.available(payer)).toBe(before - 150n);
    expect(await used(key)).toBe(400n);
    expect(reason(await open(key, 601n))).toBe('KEY_CAP_EXCEEDED');
    value(await open(key, 600n));
  });

  it('is the same when asked for again, also by an expired or revoked key, and takes the cap once', async () => {
    const key = await delegated({ expiresAtMs: soon() });
    const salt = randomBytes(32);
    const first = value(await open(key, 600n, salt));
    const results = await Promise.all(Array.from({ length: 5 }, () => open(key, 600n, salt)));
    for (const result of results) expect(value(result).channelNo).toBe(first.channelNo);
    expect(await used(key)).toBe(600n);
    kit.time.nowMs += 2n * HOUR;
    expect(value(await open(key, 600n, salt)).channelNo).toBe(first.channelNo);
    value(await revoke(key));
    expect(value(await open(key, 600n, salt)).channelNo).toBe(first.channelNo);
    expect(reason(await open(key, 599n, salt))).toBe('ID_REUSED');
    const byWallet = kit.openRequest(payer, payee.address, 600n, salt);
    expect(reason(await kit.use.channels.open(byWallet))).toBe('ID_REUSED');
    const other = await delegated();
    expect(reason(await open(other, 600n, salt))).toBe('ID_REUSED');
    expect(await used(other)).toBe(0n);
  });

  it('cannot pass the cap, however many come at once', async () => {
    const key = await delegated();
    const before = await kit.available(payer);
    const results = await Promise.all(Array.from({ length: 16 }, () => open(key, 300n)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(3);
    expect(results.filter((each) => !each.ok).map(reason)).toEqual(
      new Array(13).fill('KEY_CAP_EXCEEDED'),
    );
    expect(await used(key)).toBe(900n);
    expect(await kit.available(payer)).toBe(before - 900n);
    expect(await open(key, 101n)).toMatchObject({ detail: expect.stringContaining(' 100 units') });
    value(await open(key, 100n));
  });

  it('is not there after the key is revoked, in whatever order the two come', async () => {
    const key = await delegated({ capUnits: 1_000_000n });
    const [revoked, ...opened] = await Promise.all([
      revoke(key),
      ...Array.from({ length: 10 }, () => open(key, 1n)),
    ]);
    value(revoked);
    for (const each of opened) if (!each.ok) expect(each.reason).toBe('KEY_NOT_DELEGATED');
    expect(await used(key)).toBe(BigInt(opened.filter(({ ok }) => ok).length));
    expect(reason(await open(key, 1n))).toBe('KEY_NOT_DELEGATED');
    expect(value(await revoke(key))).toEqual(value(revoked));
  });

  it('leaves the cap as it was when the account’s balance does not cover it', async () => {
    const poor = await kit.account(10n);
    const key = await delegated({ by: poor });
    const request = { payer: poor.address, payee: payee.address, depositUnits: 11n };
    const terms = { ...request, salt: randomBytes(32), validUntilMs: soon() };
    const signature = Buffer.from(sign(kit.digests.openChannel(terms), key.privateKey));
    const asked = { ...terms, ticks: undefined, signature, signer: key.address };
    expect(reason(await kit.use.channels.open(asked))).toBe('INSUFFICIENT_FUNDS');
    const stored = await kit.repositories.sessionKeys.find(poor.address, key.address);
    expect(stored?.usedUnits).toBe(0n);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['never delegated', 'KEY_NOT_DELEGATED', () => open(newKey(), 1n)],
    [
      'delegated by another account',
      'KEY_NOT_DELEGATED',
      async () => open(await delegated({ by: payee }), 1n),
    ],
    [
      'expired',
      'KEY_NOT_DELEGATED',
      async () => {
        const key = await delegated({ expiresAtMs: kit.time.nowMs + 1n });
        kit.time.nowMs += 1n;
        return open(key, 1n);
      },
    ],
    [
      'no address',
      'MALFORMED',
      async () => open(await delegated(), 1n, undefined, { signer: 'nobody' }),
    ],
    [
      'named by a signature of the wallet',
      'BAD_SIGNATURE',
      async () => {
        const { address: signer } = await delegated();
        return open(payer, 1n, undefined, { signer });
      },
    ],
    [
      'not named',
      'BAD_SIGNATURE',
      async () => open(await delegated(), 1n, undefined, { signer: '' }),
    ],
    [
      'too late with its request',
      'EXPIRED',
      async () => {
        const key = await delegated({ expiresAtMs: kit.time.nowMs + 3n * HOUR });
        const request = opening(key, 1n);
        kit.time.nowMs += 2n * HOUR;
        return kit.use.channels.open(request);
      },
    ],
  ])('is refused to a key that is %s', async (_what, expected, ask) => {
    expect(reason((await ask()) as Awaited<ReturnType<typeof open>>)).toBe(expected);
  });

  it('is closed by payer, payee or its own key, and by no other key of the payer', async () => {
    const [key, other] = [await delegated(), await delegated()];
    const channels = [value(await open(key, 10n)), value(await open(key, 10n))];
    const [first, second] = channels as [StoredChannel, StoredChannel];
    expect(reason(await kit.close(other, first.channelId))).toBe('NOT_PERMITTED');
    expect(value(await kit.close(payer, first.channelId)).state).toBe(2);
    expect(value(await kit.close(payee, second.channelId)).closesAtMs).toBe(kit.time.nowMs);
    const forged = { channelId: second.channelId, closer: key.address, validUntilMs: soon() };
    const signature = Buffer.alloc(64, 1);
    expect(reason(await kit.use.channels.close({ ...forged, signature }))).toBe('BAD_SIGNATURE');
  });

  it('takes a hash chain from its key alone', async () => {
    const key = await delegated();
    const { channelId } = value(await open(key, 100n));
    const chainEnd = Buffer.from(tickChain(randomBytes(32), 5)[0]!);
    const ticks = { chainEnd, tickValueUnits: 2n, ticksMax: 5n, baseUnits: 0n };
    const signed = { channelId, ticks, validUntilMs: soon() };
    const commit = (by: KeyPair) => {
      const signature = Buffer.from(sign(kit.digests.commitTicks(signed), by.privateKey));
      return kit.use.ticks.commit({ ...signed, signature });
    };
    expect(reason(await commit(payer))).toBe('BAD_SIGNATURE');
    expect(value(await commit(key)).ticksMax).toBe(5n);
  });
});

describe('RevokeSessionKey', () => {
  it('wants the account’s signature over a key that it has delegated', async () => {
    const key = await delegated();
    expect(reason(await revoke(key, { by: payee }))).toBe('KEY_NOT_DELEGATED');
    expect(reason(await revoke(newKey()))).toBe('KEY_NOT_DELEGATED');
    expect(reason(await revoke(key, { validUntilMs: 1n }))).toBe('EXPIRED');
    const signed = { account: payer.address, key: key.address, validUntilMs: soon() };
    const digest = kit.digests.revokeSessionKey(signed);
    const byKey = Buffer.from(sign(digest, key.privateKey));
    const { sessionKeys } = kit.use;
    expect(reason(await sessionKeys.revoke({ ...signed, signature: byKey }))).toBe('BAD_SIGNATURE');
    const signature = Buffer.from(sign(digest, payer.privateKey));
    for (const change of [{ key: 'T' }, { account: '' }, { validUntilMs: 0n }]) {
      expect(reason(await sessionKeys.revoke({ ...signed, signature, ...change }))).toBe(
        'MALFORMED',
      );
    }
    value(await open(key, 1n));
  });

  it('cannot be undone in the database either: the service may not touch what was signed', async () => {
    const key = await delegated();
    const at = kit.database.sql`address = ${key.address}`;
    const { sql } = kit.database;
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
