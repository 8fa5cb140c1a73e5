import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChannelsRecord, LedgerEvent, TOPICS } from '#libs/contracts';
import { type KeyPair, sign } from '#libs/crypto';
import { tickChain } from '#libs/domain';
import { channelMessage, channelView } from '../src/application/events.js';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, finalize, reason, record, value } from './ledger.kit.js';
import { HOUR, newKey, SessionWorld } from './session-keys.kit.js';

let on: SessionWorld;

beforeAll(async () => {
  on = await SessionWorld.start();
});
afterAll(() => on?.stop());

describe('a channel opened by a session key', () => {
  async function apply(channel: StoredChannel, ...entries: Parameters<typeof record>[1]) {
    const offset = await on.kit.use.vouchers.nextOffset(channel.part);
    await on.kit.use.vouchers.apply(channel.part, [record(offset, entries)]);
  }
  async function published(channel: StoredChannel) {
    const rows = await on.kit.database.sql<{ topic: string; value: Buffer }[]>`
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
    const key = await on.delegated();
    const before = await on.kit.available(on.payer);
    const channel = value(await on.open(key, 400n));
    expect(await on.kit.available(on.payer)).toBe(before - 400n);
    expect(await on.used(key)).toBe(400n);
    expect(channelMessage(channel)).toMatchObject({ payer: on.payer.address, signer: key.address });
    const told = await published(channel);
    expect(told.view?.payerPublicKey).toEqual(Buffer.from(key.publicKey));
    expect(told.event?.signer).toBe(key.address);
    const [view] = value(await on.kit.use.channels.views(channel.channelId));
    expect(view).toEqual(channelView(channel));
    const own = await on.kit.channel(on.payer, on.payee.address, 5n);
    expect(channelMessage(own).signer).toBe(on.payer.address);
    expect(channelView(own).payerPublicKey).toEqual(Buffer.from(on.payer.publicKey));
  });

  it('pays, ends, and gives the remainder to the account but not to the cap', async () => {
    const key = await on.delegated();
    const before = await on.kit.available(on.payer);
    const channel = value(await on.open(key, 400n));
    await apply(channel, claim(channel, 150n));
    const closing = value(await on.kit.close(key, channel.channelId));
    const window = on.kit.use.network.describe().disputeWindowMs;
    expect(closing).toMatchObject({ state: 2, closesAtMs: on.kit.time.nowMs + window });
    await apply(channel, finalize(channel));
    expect(await on.kit.available(on.payer)).toBe(before - 150n);
    expect(await on.used(key)).toBe(400n);
    expect(reason(await on.open(key, 601n))).toBe('KEY_CAP_EXCEEDED');
    value(await on.open(key, 600n));
  });

  it('is the same when asked for again, also by an expired or revoked key, and takes the cap once', async () => {
    const key = await on.delegated({ expiresAtMs: on.soon() });
    const salt = randomBytes(32);
    const first = value(await on.open(key, 600n, salt));
    const results = await Promise.all(Array.from({ length: 5 }, () => on.open(key, 600n, salt)));
    for (const result of results) expect(value(result).channelNo).toBe(first.channelNo);
    expect(await on.used(key)).toBe(600n);
    on.kit.time.nowMs += 2n * HOUR;
    expect(value(await on.open(key, 600n, salt)).channelNo).toBe(first.channelNo);
    value(await on.revoke(key));
    expect(value(await on.open(key, 600n, salt)).channelNo).toBe(first.channelNo);
    expect(reason(await on.open(key, 599n, salt))).toBe('ID_REUSED');
    const byWallet = on.kit.openRequest(on.payer, on.payee.address, 600n, salt);
    expect(reason(await on.kit.use.channels.open(byWallet))).toBe('ID_REUSED');
    const other = await on.delegated();
    expect(reason(await on.open(other, 600n, salt))).toBe('ID_REUSED');
    expect(await on.used(other)).toBe(0n);
  });

  it('cannot pass the cap, however many come at once', async () => {
    const key = await on.delegated();
    const before = await on.kit.available(on.payer);
    const results = await Promise.all(Array.from({ length: 16 }, () => on.open(key, 300n)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(3);
    expect(results.filter((each) => !each.ok).map(reason)).toEqual(
      new Array(13).fill('KEY_CAP_EXCEEDED'),
    );
    expect(await on.used(key)).toBe(900n);
    expect(await on.kit.available(on.payer)).toBe(before - 900n);
    expect(await on.open(key, 101n)).toMatchObject({
      detail: expect.stringContaining(' 100 units'),
    });
    value(await on.open(key, 100n));
  });

  it('is not there after the key is revoked, in whatever order the two come', async () => {
    const key = await on.delegated({ capUnits: 1_000_000n });
    const [revoked, ...opened] = await Promise.all([
      on.revoke(key),
      ...Array.from({ length: 10 }, () => on.open(key, 1n)),
    ]);
    value(revoked);
    for (const each of opened) if (!each.ok) expect(each.reason).toBe('KEY_NOT_DELEGATED');
    expect(await on.used(key)).toBe(BigInt(opened.filter(({ ok }) => ok).length));
    expect(reason(await on.open(key, 1n))).toBe('KEY_NOT_DELEGATED');
    expect(value(await on.revoke(key))).toEqual(value(revoked));
  });

  it('leaves the cap as it was when the account’s balance does not cover it', async () => {
    const poor = await on.kit.account(10n);
    const key = await on.delegated({ by: poor });
    const request = { payer: poor.address, payee: on.payee.address, depositUnits: 11n };
    const terms = { ...request, salt: randomBytes(32), validUntilMs: on.soon() };
    const signature = Buffer.from(sign(on.kit.digests.openChannel(terms), key.privateKey));
    const asked = { ...terms, ticks: undefined, signature, signer: key.address };
    expect(reason(await on.kit.use.channels.open(asked))).toBe('INSUFFICIENT_FUNDS');
    const stored = await on.kit.repositories.sessionKeys.find(poor.address, key.address);
    expect(stored?.usedUnits).toBe(0n);
  });

  it.each<[string, string, () => Promise<unknown>]>([
    ['never delegated', 'KEY_NOT_DELEGATED', () => on.open(newKey(), 1n)],
    [
      'delegated by another account',
      'KEY_NOT_DELEGATED',
      async () => on.open(await on.delegated({ by: on.payee }), 1n),
    ],
    [
      'expired',
      'KEY_NOT_DELEGATED',
      async () => {
        const key = await on.delegated({ expiresAtMs: on.kit.time.nowMs + 1n });
        on.kit.time.nowMs += 1n;
        return on.open(key, 1n);
      },
    ],
    [
      'no address',
      'MALFORMED',
      async () => on.open(await on.delegated(), 1n, undefined, { signer: 'nobody' }),
    ],
    [
      'named by a signature of the wallet',
      'BAD_SIGNATURE',
      async () => {
        const { address: signer } = await on.delegated();
        return on.open(on.payer, 1n, undefined, { signer });
      },
    ],
    [
      'not named',
      'BAD_SIGNATURE',
      async () => on.open(await on.delegated(), 1n, undefined, { signer: '' }),
    ],
    [
      'too late with its request',
      'EXPIRED',
      async () => {
        const key = await on.delegated({ expiresAtMs: on.kit.time.nowMs + 3n * HOUR });
        const request = on.opening(key, 1n);
        on.kit.time.nowMs += 2n * HOUR;
        return on.kit.use.channels.open(request);
      },
    ],
  ])('is refused to a key that is %s', async (_what, expected, ask) => {
    expect(reason((await ask()) as Awaited<ReturnType<SessionWorld['open']>>)).toBe(expected);
  });

  it('is closed by payer, payee or its own key, and by no other key of the payer', async () => {
    const [key, other] = [await on.delegated(), await on.delegated()];
    const channels = [value(await on.open(key, 10n)), value(await on.open(key, 10n))];
    const [first, second] = channels as [StoredChannel, StoredChannel];
    expect(reason(await on.kit.close(other, first.channelId))).toBe('NOT_PERMITTED');
    expect(value(await on.kit.close(on.payer, first.channelId)).state).toBe(2);
    expect(value(await on.kit.close(on.payee, second.channelId)).closesAtMs).toBe(
      on.kit.time.nowMs,
    );
    const forged = { channelId: second.channelId, closer: key.address, validUntilMs: on.soon() };
    const signature = Buffer.alloc(64, 1);
    expect(reason(await on.kit.use.channels.close({ ...forged, signature }))).toBe('BAD_SIGNATURE');
  });

  it('takes a hash chain from its key alone', async () => {
    const key = await on.delegated();
    const { channelId } = value(await on.open(key, 100n));
    const chainEnd = Buffer.from(tickChain(randomBytes(32), 5)[0]!);
    const ticks = { chainEnd, tickValueUnits: 2n, ticksMax: 5n, baseUnits: 0n };
    const signed = { channelId, ticks, validUntilMs: on.soon() };
    const commit = (by: KeyPair) => {
      const signature = Buffer.from(sign(on.kit.digests.commitTicks(signed), by.privateKey));
      return on.kit.use.ticks.commit({ ...signed, signature });
    };
    expect(reason(await commit(on.payer))).toBe('BAD_SIGNATURE');
    expect(value(await commit(key)).ticksMax).toBe(5n);
  });
});
