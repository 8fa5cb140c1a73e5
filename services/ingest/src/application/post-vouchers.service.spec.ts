import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '#libs/domain';
import { newChannel, newKeys, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import { SENDER_FAILURES } from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';

afterEach(() => vi.useRealTimers());

describe('the ladder of vouchers', () => {
  // Each line breaks one more rung, from the last to the first, and keeps the ones below broken:
  // the refusal must always be that of the rung broken last. This fixes the order of the ladder.
  const far = LIMITS.validityMaxMs + 1_000n;
  const broken = {
    signature: Buffer.alloc(64, 1),
    superseded: 2_000n,
    aboveDeposit: 1_999n,
  };
  it.each([
    ['nothing', 2_000n, {}, {}],
    ['signature', 'BAD_SIGNATURE', {}, { signature: broken.signature }],
    ['superseded', 'SUPERSEDED', { acceptedUnits: 2_000n }, { signature: broken.signature }],
    [
      'deposit',
      'ABOVE_DEPOSIT',
      { acceptedUnits: 2_000n, depositUnits: 1_999n },
      { signature: broken.signature },
    ],
    [
      'expiry',
      'EXPIRED',
      { acceptedUnits: 2_000n, depositUnits: 1_999n },
      { signature: broken.signature, validUntilMs: 1n },
    ],
    [
      'payee',
      'PAYEE_MISMATCH',
      { acceptedUnits: 2_000n, depositUnits: 1_999n },
      { signature: broken.signature, validUntilMs: 1n, payee: newKeys().address },
    ],
    [
      'accepts',
      'CHANNEL_CLOSED',
      { acceptedUnits: 2_000n, depositUnits: 1_999n, state: 'closing' as const, closesAtMs: 1n },
      { signature: broken.signature, validUntilMs: 1n, payee: newKeys().address },
    ],
    [
      'known',
      'CHANNEL_UNKNOWN',
      {},
      {
        channelId: Buffer.alloc(32, 7),
        signature: broken.signature,
        validUntilMs: 1n,
        payee: newKeys().address,
      },
    ],
  ])('%s', async (_rung, result, facts, change) => {
    const fixture = new Fixture();
    const channel = fixture.open(facts);
    const voucher = { ...fixture.voucher(channel, 2_000n), ...change };
    expect(await fixture.results({ vouchers: [voucher] })).toEqual([result]);
  });

  it.each([
    ['limits', 'valid_until_ms is too far ahead', {}],
    ['channel id', 'channel_id must have 32 bytes', { channelId: Buffer.alloc(31) }],
    ['payee', 'payee is no TRON address', { payee: 'T0' }],
    ['amount', 'cumulative_units must be above 0', { cumulativeUnits: 0n }],
    ['negative amount', 'cumulative_units must be above 0', { cumulativeUnits: -1n }],
    ['no validity', 'valid_until_ms must be above 0', { validUntilMs: 0n }],
    ['signature', 'signature must have 64 bytes', { signature: Buffer.alloc(65) }],
  ])('malformed %s, before the channel is looked for', async (_what, detail, change) => {
    const fixture = new Fixture();
    const unknown = newChannel();
    const voucher = {
      ...fixture.voucher(unknown, 5n),
      validUntilMs: fixture.clock.nowMs() + far,
      ...change,
    };
    const [outcome] = await fixture.post({ vouchers: [voucher] });
    expect(outcome).toMatchObject({ reason: 'MALFORMED', detail });
    expect(fixture.books.asked).toBe(0);
  });

  it('refuses a signature with a high S, which is the same signature spelt differently', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const voucher = fixture.voucher(channel, 5n);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = BigInt(`0x${voucher.signature.toString('hex', 32)}`);
    voucher.signature.write((order - s).toString(16).padStart(64, '0'), 32, 'hex');
    expect(await fixture.results({ vouchers: [voucher] })).toEqual(['BAD_SIGNATURE']);
  });

  it('tells with SUPERSEDED what is accepted', async () => {
    const fixture = new Fixture();
    const channel = fixture.open({ acceptedUnits: 50n });
    const [outcome] = await fixture.post({ vouchers: [fixture.voucher(channel, 50n)] });
    expect(outcome).toMatchObject({ reason: 'SUPERSEDED', acceptedUnits: 50n });
  });
});

describe('the ladder of ticks', () => {
  it.each([
    ['nothing', 30n, {}, {}],
    ['preimage', 'BAD_PREIMAGE', {}, { preimage: Buffer.alloc(32) }],
    ['superseded', 'SUPERSEDED', { acceptedUnits: 30n }, { preimage: Buffer.alloc(32) }],
    ['deposit', 'ABOVE_DEPOSIT', { acceptedUnits: 30n, depositUnits: 29n }, {}],
    ['range', 'TICK_OUT_OF_RANGE', { acceptedUnits: 30n, depositUnits: 29n }, { index: 20_001n }],
    ['steps', 'TICK_OUT_OF_RANGE', { depositUnits: 29n }, { index: 10_001n }],
    ['committed', 'TICKS_NOT_COMMITTED', { commitment: undefined }, { index: 20_001n }],
    [
      'accepts',
      'CHANNEL_CLOSED',
      { commitment: undefined, state: 'closed' as const },
      { index: 20_001n },
    ],
    ['known', 'CHANNEL_UNKNOWN', {}, { channelId: Buffer.alloc(32), index: 20_001n }],
    ['limits', 'LIMIT_EXCEEDED', {}, { channelId: Buffer.alloc(32), index: 100_000_001n }],
    ['shape: index', 'MALFORMED', {}, { index: 0n }],
    ['shape: preimage', 'MALFORMED', {}, { preimage: Buffer.alloc(31), index: 100_000_001n }],
    ['shape: id', 'MALFORMED', {}, { channelId: Buffer.alloc(0) }],
  ])('%s', async (_rung, result, facts, change) => {
    const fixture = new Fixture();
    const channel = fixture.open(facts);
    expect(await fixture.results({ ticks: [{ ...tickOf(channel, 3), ...change }] })).toEqual([
      result,
    ]);
  });

  it('hashes on from the last accepted tick', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    expect(await fixture.results({ ticks: [tickOf(channel, 9_000)] })).toEqual([90_000n]);
    expect(await fixture.results({ ticks: [tickOf(channel, 19_000)] })).toEqual([190_000n]);
    expect(
      fixture.log.entries().map((entry) => [entry.kind, 'detail' in entry && entry.detail]),
    ).toEqual([
      ['tick', 9_000n],
      ['tick', 19_000n],
    ]);
  });

  it('shares the cumulative with vouchers: only what is higher counts', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 55n)] })).toEqual([55n]);
    expect(await fixture.results({ ticks: [tickOf(channel, 5)] })).toEqual(['SUPERSEDED']);
    expect(await fixture.results({ ticks: [tickOf(channel, 6)] })).toEqual([60n]);
  });

  it('asks the books once when a tick is far ahead of what is known here', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    fixture.books.hold({
      ...channel,
      facts: {
        ...channel.facts,
        acceptedUnits: 90_000n,
        tickIndex: 9_000n,
        tickPreimage: channel.chain[9_000]!,
      },
    });
    expect(await fixture.results({ ticks: [tickOf(channel, 12_000)] })).toEqual([120_000n]);
    expect(fixture.books.asked).toBe(1);
  });
});

describe('channels that the topic has not told of', () => {
  it('asks the books once for many payments of one channel', async () => {
    const fixture = new Fixture();
    const channel = newChannel();
    fixture.books.hold(channel);
    const vouchers = [1n, 2n, 3n].map((units) => fixture.voucher(channel, units));
    expect(await fixture.results({ vouchers })).toEqual([3n, 3n, 3n]);
    expect(fixture.books.asked).toBe(1);
  });

  it('remembers an unknown channel for a second', async () => {
    const fixture = new Fixture();
    const channel = newChannel();
    const post = () => fixture.results({ vouchers: [fixture.voucher(channel, 1n)] });
    expect(await post()).toEqual(['CHANNEL_UNKNOWN']);
    expect(await post()).toEqual(['CHANNEL_UNKNOWN']);
    expect(fixture.books.asked).toBe(1);
    fixture.books.hold(channel);
    fixture.clock.advanceMs(1_001n);
    expect(await post()).toEqual([1n]);
  });

  it('does not call a channel unknown while the books are silent', async () => {
    const fixture = new Fixture();
    fixture.books.failure = new Error('down');
    const voucher = fixture.voucher(newChannel(), 1n);
    expect(await fixture.results({ vouchers: [voucher] })).toEqual(['UNAVAILABLE']);
  });

  it('does not ask for a closed channel', async () => {
    const fixture = new Fixture();
    const channel = fixture.open({ state: 'closed' });
    const voucher = fixture.voucher(channel, 1n);
    expect(await fixture.results({ vouchers: [voucher] })).toEqual(['CHANNEL_CLOSED']);
    expect(fixture.books.asked).toBe(0);
  });
});

describe('bounds', () => {
  const refusal = async (fixture: Fixture, count: number) => {
    const vouchers = new Array(count).fill(fixture.voucher(fixture.open(), 1n));
    const result = await fixture.service.post(
      { vouchers, ticks: [], bundles: [] },
      fixture.core.senders.ofConnection('test:1'),
    );
    return result.ok ? 'accepted' : result.reason;
  };

  it('refuses an empty and an oversized batch as a whole', async () => {
    const fixture = new Fixture();
    expect(await refusal(fixture, 0)).toBe('MALFORMED');
    expect(await refusal(fixture, LIMITS.batchItemsMax + 1)).toBe('LIMIT_EXCEEDED');
    expect(fixture.meter.refusals.get('LIMIT_EXCEEDED')).toBe(LIMITS.batchItemsMax + 1);
  });

  it('refuses what would overfill it, and takes payments again when there is room', async () => {
    const fixture = new Fixture();
    let open = () => {};
    fixture.log.gate = new Promise((resolve) => {
      open = resolve;
    });
    const full = INGEST_LIMITS.itemsInFlightMax / LIMITS.batchItemsMax;
    const inside = Array.from({ length: full }, () => refusal(fixture, LIMITS.batchItemsMax));
    expect(await refusal(fixture, 1)).toBe('OVERLOADED');
    open();
    expect(await Promise.all(inside)).toEqual(new Array(full).fill('accepted'));
    expect(fixture.meter.itemsInFlight).toBe(0);
    expect(await refusal(fixture, 1)).toBe('accepted');
  });

  it('refuses a connection whose payments keep failing, and only that one', async () => {
    const fixture = new Fixture();
    const channels = Array.from({ length: 300 }, () => fixture.open());
    const stranger = newKeys();
    const bad = channels.map((channel) => fixture.voucher(channel, 5n, stranger));
    expect(new Set(await fixture.results({ vouchers: bad }, 'bad:1'))).toEqual(
      new Set(['BAD_SIGNATURE']),
    );
    const good = [fixture.voucher(channels[0]!, 5n)];
    await expect(fixture.results({ vouchers: good }, 'bad:1')).rejects.toThrow('OVERLOADED');
    expect(await fixture.results({ vouchers: good }, 'good:1')).toEqual([5n]);
    fixture.clock.advanceMs(31_000n);
    fixture.mark();
    expect(
      await fixture.results({ vouchers: [fixture.voucher(channels[1]!, 5n)] }, 'bad:1'),
    ).toEqual([5n]);
  });

  it('holds nothing against a client that sends again what is paid, closed, or asked of silent books', async () => {
    const fixture = new Fixture();
    const [channel, closed] = [fixture.open(), fixture.open({ state: 'closed' })];
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 9n)] })).toEqual([9n]);
    const many = <T>(one: T) => new Array<T>(2 * SENDER_FAILURES.max).fill(one);
    const again = many(fixture.voucher(channel, 9n));
    expect(new Set(await fixture.results({ vouchers: again }))).toEqual(new Set(['SUPERSEDED']));
    const late = many(fixture.voucher(closed, 9n));
    expect(new Set(await fixture.results({ vouchers: late }))).toEqual(new Set(['CHANNEL_CLOSED']));
    fixture.books.failure = new Error('down');
    const unknown = many(0).map(() => fixture.voucher(newChannel(), 1n));
    expect(new Set(await fixture.results({ vouchers: unknown }))).toEqual(new Set(['UNAVAILABLE']));
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 10n)] })).toEqual([10n]);
  });

  it('answers within ten seconds whatever the log does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const fixture = new Fixture();
    const channels = [fixture.open(), fixture.open()];
    let arrived = () => {};
    const writing = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    fixture.log.onAppend = arrived;
    fixture.log.gate = new Promise(() => undefined);
    const first = fixture.results({ vouchers: [fixture.voucher(channels[0]!, 1n)] });
    await writing;
    // The second flush is taken up and waits for the first, the third stays in the queue.
    const second = fixture.results({ vouchers: [fixture.voucher(channels[1]!, 1n)] });
    await sleep(20);
    const third = fixture.results({ vouchers: [fixture.voucher(channels[1]!, 2n)] });
    vi.advanceTimersByTime(INGEST_LIMITS.answerWithinMs);
    expect(await first).toEqual(['OUTCOME_UNKNOWN']);
    expect(await second).toEqual(['OUTCOME_UNKNOWN']);
    expect(await third).toEqual(['UNAVAILABLE']);
    fixture.clock.advanceMs(BigInt(INGEST_LIMITS.answerWithinMs) + 1n);
    await expect(
      fixture.results({ vouchers: [fixture.voucher(channels[1]!, 3n)] }),
    ).rejects.toThrow('UNAVAILABLE');
  });
});

describe('stopping', () => {
  it('flushes and answers what is inside, and lets nothing more in', async () => {
    const fixture = new Fixture();
    const known = fixture.open();
    const unknown = newChannel();
    fixture.books.hold(unknown);
    const vouchers = [fixture.voucher(known, 7n), fixture.voucher(unknown, 8n)];
    const inside = fixture.results({ vouchers });
    await fixture.service.drain(5_000);
    expect(await inside).toEqual([7n, 8n]);
    await expect(fixture.results({ vouchers })).rejects.toThrow('UNAVAILABLE');
  });
});
