import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PACKED_BUNDLE, PACKED_TICK, PACKED_VOUCHER, reasonFromWire } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { REASON_TRAILER } from '#libs/grpc';
import { newChannel, newKeys } from '../../test/factory.js';
import { batchesOf, batchMessage, openMessage, packVoucher } from '../../test/packed.js';
import { StreamFixture, until } from '../../test/stream-fixture.js';
import { INGEST_LIMITS } from '../application/limits.js';
import { SENDER_FAILURES } from '../domain/failure-budget.js';

afterEach(() => vi.useRealTimers());

describe('a message that breaks the protocol', () => {
  const voucher = Buffer.alloc(PACKED_VOUCHER.bytes);
  const head = (count: number) => {
    const bytes = Buffer.alloc(PACKED_BUNDLE.bytes);
    bytes.writeUInt32BE(count, PACKED_BUNDLE.count);
    return bytes;
  };
  const tooMany = new Array(LIMITS.batchItemsMax + 1).fill(Buffer.alloc(PACKED_TICK.bytes));
  const ids = (count: number) => Array.from({ length: count }, () => new Uint8Array(32));

  it.each([
    ['no content', { sequence: 3n, content: undefined }, 'MALFORMED', /message 3 has no content/],
    ['nothing in it', batchMessage(3n, {}), 'MALFORMED', /message 3: the batch holds no payment/],
    [
      'half a voucher',
      batchMessage(3n, { vouchers: [voucher, voucher.subarray(1)] }),
      'MALFORMED',
      /vouchers: 167 bytes are no multiple of 84/,
    ],
    ['half a tick', batchMessage(3n, { ticks: [voucher] }), 'MALFORMED', /ticks: 84 bytes/],
    ['half a head', batchMessage(3n, { bundles: [voucher.subarray(9)] }), 'MALFORMED', /cut short/],
    ['no entries', batchMessage(3n, { bundles: [head(0)] }), 'MALFORMED', /has 0 entries/],
    ['more entries', batchMessage(3n, { bundles: [head(257)] }), 'MALFORMED', /has 257 entries/],
    ['half a bundle', batchMessage(3n, { bundles: [head(2)] }), 'MALFORMED', /cut short/],
    ['too many payments', batchMessage(3n, { ticks: tooMany }), 'LIMIT_EXCEEDED', /at most 4096/],
    ['no ids', openMessage(3n, []), 'MALFORMED', /channel_ids: 0 bytes/],
    ['half an id', openMessage(3n, [new Uint8Array(33)]), 'MALFORMED', /33 bytes/],
    ['too many ids', openMessage(3n, ids(4_097)), 'LIMIT_EXCEEDED', /at most 4096 channels/],
  ])('ends the stream with a sentence: %s', async (_what, message, reason, detail) => {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    await fixture.handlesFor([channel]);
    fixture.call.send(
      batchMessage(1n, { vouchers: [packVoucher(0, fixture.voucher(channel, 5n))] }),
    );
    fixture.call.send(message);
    await until(() => expect(fixture.errors).toHaveLength(1));
    const [error] = fixture.errors;
    expect(error!.metadata?.get(REASON_TRAILER)).toEqual([reason]);
    expect(error!.details).toMatch(detail);
    // What came before it has its answer.
    expect(fixture.call.acks().flatMap(batchesOf)).toEqual([[1n, []]]);
    await until(() => expect(fixture.table.held).toBe(0));
  });

  it('is one beyond the handles of a stream', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open({ state: 'closed' });
    const all = new Array(LIMITS.handlesPerOpenMax).fill(channel.facts.id);
    const rounds = LIMITS.handlesPerStreamMax / LIMITS.handlesPerOpenMax;
    for (let round = 1; round <= rounds; round++) {
      fixture.call.send(openMessage(0n, all));
      while (fixture.call.opened().length === 0) await Promise.resolve();
      fixture.call.answers.length = 0;
      await Promise.resolve();
    }
    fixture.call.send(openMessage(0n, [channel.facts.id]));
    await until(() => expect(fixture.errors).toHaveLength(1));
    expect(fixture.errors[0]!.details).toMatch(/at most 1048576 handles/);
  });
});

describe('bounds of a stream', () => {
  async function held() {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    await fixture.handlesFor([channel]);
    const gate = fixture.hold();
    const voucher = packVoucher(0, fixture.voucher(channel, 5n));
    return { fixture, voucher, ...gate };
  }

  it('stop the reading at so many batches, and let it go on', async () => {
    const { fixture, voucher, open } = await held();
    for (let sent = 1; sent <= INGEST_LIMITS.streamBatchesMax; sent++) {
      expect(fixture.call.paused).toBe(false);
      fixture.call.send(batchMessage(BigInt(sent), { vouchers: [voucher] }));
    }
    expect(fixture.call.paused).toBe(true);
    open();
    await fixture.answered(INGEST_LIMITS.streamBatchesMax);
    expect(fixture.call.paused).toBe(false);
  });

  it('stop the reading at so many bytes', async () => {
    const { fixture, voucher, open } = await held();
    const vouchers = new Array(LIMITS.batchItemsMax).fill(voucher);
    const bytes = LIMITS.batchItemsMax * PACKED_VOUCHER.bytes;
    const batches = Math.ceil(INGEST_LIMITS.streamBytesMax / bytes);
    for (let sent = 1; sent <= batches; sent++) {
      expect(fixture.call.paused).toBe(false);
      fixture.call.send(batchMessage(BigInt(sent), { vouchers }));
    }
    expect(fixture.call.paused).toBe(true);
    open();
    await fixture.answered(batches);
    expect(fixture.call.paused).toBe(false);
  });

  it('stop the reading while the client does not take its answers', async () => {
    const { fixture, voucher, open } = await held();
    open();
    fixture.call.isRead = false;
    fixture.call.send(batchMessage(1n, { vouchers: [voucher] }));
    await fixture.answered(1);
    expect(fixture.call.paused).toBe(true);
    fixture.call.emit('drain');
    expect(fixture.call.paused).toBe(false);
  });

  it('are followed by OVERLOADED when the whole process is full', async () => {
    const { fixture, voucher, open } = await held();
    const others = Array.from(
      { length: INGEST_LIMITS.itemsInFlightMax / LIMITS.batchItemsMax },
      () =>
        fixture.post({
          vouchers: new Array(LIMITS.batchItemsMax).fill(fixture.voucher(fixture.open(), 1n)),
        }),
    );
    fixture.call.send(batchMessage(1n, { vouchers: [voucher, voucher] }));
    await fixture.answered(1);
    expect(batchesOf(fixture.call.acks()[0]!)).toEqual([
      [
        1n,
        [
          [0, 'OVERLOADED'],
          [1, 'OVERLOADED'],
        ],
      ],
    ]);
    open();
    await Promise.all(others);
  });

  it('answer within ten seconds whatever the log does', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { fixture, voucher, writing } = await held();
    fixture.call.send(batchMessage(1n, { vouchers: [voucher] }));
    await vi.advanceTimersByTimeAsync(5);
    await writing;
    vi.advanceTimersByTime(INGEST_LIMITS.answerWithinMs);
    await fixture.answered(1);
    expect(batchesOf(fixture.call.acks()[0]!)).toEqual([[1n, [[0, 'OUTCOME_UNKNOWN']]]]);
  });

  it('cut off a sender whose payments keep failing', async () => {
    const fixture = new StreamFixture();
    const channels = Array.from({ length: 300 }, () => fixture.open());
    await fixture.handlesFor(channels);
    const stranger = newKeys();
    const bad = channels.map((channel, handle) =>
      packVoucher(handle, fixture.voucher(channel, 5n, stranger)),
    );
    fixture.call.send(batchMessage(1n, { vouchers: bad }));
    await fixture.answered(1);
    const good = packVoucher(0, fixture.voucher(channels[0]!, 5n));
    fixture.call.send(batchMessage(2n, { vouchers: [good] }));
    await fixture.answered(2);
    expect(batchesOf(fixture.call.acks().at(-1)!)).toEqual([[2n, [[0, 'OVERLOADED']]]]);
  });
});

/** Opens handles; answers those that were refused, and why. */
async function openedBy(fixture: StreamFixture, ids: Uint8Array[]) {
  fixture.call.answers.length = 0;
  fixture.call.send(openMessage(0n, ids));
  await until(() => expect(fixture.call.opened()).toHaveLength(1));
  const refused = fixture.call.opened()[0]?.refused ?? [];
  return refused.map(({ item, refusal }) => [item, refusal && reasonFromWire(refusal.reason)]);
}

describe('handles beyond what may be held', () => {
  it('of the channel table by one stream are LIMIT_EXCEEDED, unasked; the others can be paid', async () => {
    const fixture = new StreamFixture();
    const [channel, other] = [fixture.open(), newChannel()];
    const half = fixture.table.rowsMax / 2;
    const ids = new Array(half - 1).fill(channel.facts.id);
    expect(await openedBy(fixture, ids)).toEqual([]);
    fixture.books.hold(other);
    const asked = fixture.books.asked;
    const unknown = newChannel().facts.id;
    expect(await openedBy(fixture, [other.facts.id, unknown, channel.facts.id])).toEqual([
      [1, 'LIMIT_EXCEEDED'],
      [2, 'LIMIT_EXCEEDED'],
    ]);
    expect(fixture.books.asked).toBe(asked + 1);
    const voucher = packVoucher(half - 1, fixture.voucher(other, 5n));
    fixture.call.send(batchMessage(1n, { vouchers: [voucher] }));
    await fixture.answered(1);
    expect(fixture.call.acks().flatMap(batchesOf)).toEqual([[1n, []]]);
  });

  it('by all streams are OVERLOADED, and channels named by their ids are paid', async () => {
    const fixture = new StreamFixture();
    const rows = Array.from({ length: (fixture.table.rowsMax * 7) / 8 }, (_, no) => {
      const { facts } = newChannel();
      return fixture.table.learn({ ...facts, channelNo: BigInt(no) });
    });
    for (const row of rows) fixture.table.retain(row);
    const other = newChannel();
    fixture.books.hold(other);
    expect(await openedBy(fixture, [other.facts.id])).toEqual([[0, 'OVERLOADED']]);
    expect(await fixture.results({ vouchers: [fixture.voucher(other, 5n)] })).toEqual([5n]);
    fixture.table.release(rows[0]!);
    expect(await openedBy(fixture, [other.facts.id])).toEqual([]);
  });
});

describe('handles of channels that nobody knows', () => {
  const unknown = (count: number) => Array.from({ length: count }, () => randomBytes(32));
  const open = async (fixture: StreamFixture, ids: Uint8Array[]) =>
    new Set((await openedBy(fixture, ids)).map(([, reason]) => reason));

  it('cost a check each, and none is asked for while the budget is spent', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    const { max } = SENDER_FAILURES;
    expect(await open(fixture, [channel.facts.id, ...unknown(max - 1)])).toEqual(
      new Set(['CHANNEL_UNKNOWN']),
    );
    expect(await open(fixture, [channel.facts.id])).toEqual(new Set());
    expect(await open(fixture, unknown(1))).toEqual(new Set(['CHANNEL_UNKNOWN']));
    const { asked } = fixture.books;
    // Not even of a channel that is known, and what is open already is not looked at either.
    expect(await open(fixture, [channel.facts.id])).toEqual(new Set(['OVERLOADED']));
    for (let round = 0; round < 5; round++) await open(fixture, unknown(100));
    expect(fixture.books.asked).toBe(asked);
    expect(fixture.call.opened()[0]?.refused[0]?.refusal?.detail).toMatch(/too many failures/);
    fixture.clock.advanceMs(31_000n);
    fixture.mark();
    expect(await open(fixture, [channel.facts.id])).toEqual(new Set());
  });

  it('cost nothing when the books are silent', async () => {
    const fixture = new StreamFixture();
    fixture.books.failure = new Error('down');
    expect(await open(fixture, unknown(300))).toEqual(new Set(['UNAVAILABLE']));
    expect(await open(fixture, [fixture.open().facts.id])).toEqual(new Set());
  });

  it('cannot be asked for by the ten thousand', async () => {
    const fixture = new StreamFixture();
    for (let round = 0; round < 40; round++) await open(fixture, unknown(1_000));
    expect(fixture.books.asked).toBe(1_000);
  });
});

describe('the end of a stream', () => {
  it('comes after the last answer when the client is done', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    await fixture.handlesFor([channel]);
    fixture.call.send(
      batchMessage(1n, { vouchers: [packVoucher(0, fixture.voucher(channel, 5n))] }),
    );
    fixture.call.emit('end');
    expect(fixture.call.ended).toBe(false);
    await until(() => expect(fixture.call.ended).toBe(true));
    expect(fixture.call.acks().flatMap(batchesOf)).toEqual([[1n, []]]);
  });

  it('is UNAVAILABLE when the process stops', async () => {
    const fixture = new StreamFixture();
    fixture.stream.stop();
    await until(() => expect(fixture.errors[0]?.code).toBe(status.UNAVAILABLE));
  });

  it('is UNAUTHENTICATED when the session is over', async () => {
    const fixture = new StreamFixture(1_000n);
    fixture.clock.advanceMs(1_001n);
    fixture.call.send(openMessage(1n, [new Uint8Array(32)]));
    await until(() => expect(fixture.errors[0]?.code).toBe(status.UNAUTHENTICATED));
  });

  it('leaves what was read to be flushed when the client goes away', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    await fixture.handlesFor([channel]);
    fixture.call.send(
      batchMessage(1n, { vouchers: [packVoucher(0, fixture.voucher(channel, 5n))] }),
    );
    fixture.call.cancelled = true;
    fixture.call.emit('cancelled');
    await until(() => expect(fixture.log.entries()).toHaveLength(1));
    await until(() => expect(fixture.table.held).toBe(0));
    await sleep(5);
    expect(fixture.call.acks()).toEqual([]);
  });
});
