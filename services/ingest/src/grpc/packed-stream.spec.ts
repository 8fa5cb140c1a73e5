import { describe, expect, it } from 'vitest';
import { LIMITS } from '#libs/domain';
import { newChannel, newKeys, tickOf } from '../../test/factory.js';
import {
  batchesOf,
  batchMessage,
  openMessage,
  packBundle,
  packTick,
  packVoucher,
  receiptsOf,
} from '../../test/packed.js';
import { StreamFixture, until } from '../../test/stream-fixture.js';

describe('handles', () => {
  it('are given in order, and tell what is accepted', async () => {
    const fixture = new StreamFixture();
    const known = fixture.open({ acceptedUnits: 7n });
    const ticking = fixture.open({ acceptedUnits: 30n, tickIndex: 3n });
    const asked = newChannel({ acceptedUnits: 9n });
    fixture.books.hold(asked);
    const closed = fixture.open({ state: 'closed' });
    const ids = [known, newChannel(), ticking, asked, closed].map(({ facts }) => facts.id);
    fixture.call.send(openMessage(5n, ids));
    // The stream waits for the books, so that payments cannot overtake their channels.
    expect(fixture.call.paused).toBe(true);
    await until(() => expect(fixture.call.opened()).toHaveLength(1));
    expect(fixture.call.paused).toBe(false);
    const [opened] = fixture.call.opened();
    expect(opened).toMatchObject({ sequence: 5n, firstHandle: 0n });
    const amounts = ids.map((_, at) => [
      opened!.accepted.readBigInt64BE(at * 16),
      opened!.accepted.readBigInt64BE(at * 16 + 8),
    ]);
    expect(amounts).toEqual([
      [7n, 0n],
      [0n, 0n],
      [30n, 3n],
      [9n, 0n],
      [0n, 0n],
    ]);
    expect(opened!.refused.map(({ item, refusal }) => [item, refusal?.detail])).toEqual([
      [1, 'no channel has this id'],
      [4, 'the channel no longer takes payments'],
    ]);
    fixture.call.send(openMessage(6n, [known.facts.id]));
    await until(() => expect(fixture.call.opened()[1]?.firstHandle).toBe(5n));
  });

  it('hold their channels in memory as long as the stream lives', async () => {
    const fixture = new StreamFixture();
    await fixture.handlesFor([fixture.open(), fixture.open()]);
    expect(fixture.table.held).toBe(2);
    fixture.call.emit('close');
    await until(() => expect(fixture.table.held).toBe(0));
  });

  it('let go of channels whose answer came after the end', async () => {
    const fixture = new StreamFixture();
    const channel = newChannel();
    fixture.books.hold(channel);
    fixture.call.send(openMessage(1n, [channel.facts.id]));
    fixture.call.emit('close');
    await until(() => expect(fixture.table.size).toBe(1));
    await until(() => expect(fixture.table.held).toBe(0));
  });
});

describe('a packed batch', () => {
  it('of all kinds is answered by one acknowledgement of its flush', async () => {
    const fixture = new StreamFixture();
    const together = fixture.openTogether(3);
    const [paidByVoucher, paidByTick] = [fixture.open(), fixture.open()];
    await fixture.handlesFor([paidByVoucher, paidByTick, ...together]);
    const bundle = fixture.bundle(together.map((channel) => [channel, 4n] as const));
    fixture.call.send(
      batchMessage(9n, {
        vouchers: [5n, 6n].map((units) => packVoucher(0, fixture.voucher(paidByVoucher, units))),
        ticks: [1, 2, 3].map((index) => packTick(1, tickOf(paidByTick, index))),
        bundles: [packBundle([2, 3, 4], bundle)],
      }),
    );
    await fixture.answered(1);
    const [ack, ...more] = fixture.call.acks();
    expect(more).toEqual([]);
    expect(batchesOf(ack!)).toEqual([[9n, []]]);
    expect(new Map(receiptsOf(ack!))).toEqual(
      new Map([
        [0, 6n],
        [1, 30n],
        [2, 4n],
        [3, 4n],
        [4, 4n],
      ]),
    );
    expect(receiptsOf(ack!)).toHaveLength(5);
    const partitions = [paidByVoucher, paidByTick, ...together].map(({ facts }) => facts.partition);
    expect(new Set(ack!.positions.map(({ partition }) => partition))).toEqual(new Set(partitions));
    expect(fixture.verifier.verified).toBe(3);
    expect(fixture.meter.acceptedCount).toEqual({ voucher: 2, tick: 3, bundle: 3 });
  });

  it('has its refusals by item, and everything else accepted', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open({ acceptedUnits: 10n });
    const bare = fixture.open({ commitment: undefined });
    const closing = fixture.open({ state: 'closing', closesAtMs: 1n });
    const other = fixture.open();
    await fixture.handlesFor([channel, bare, closing, other, newChannel()]);
    const good = fixture.voucher(channel, 11n);
    const vouchers = [
      packVoucher(0, good),
      packVoucher(7, good),
      packVoucher(4, good),
      packVoucher(0, { ...good, cumulativeUnits: 0n }),
      packVoucher(0, { ...good, validUntilMs: 2n ** 62n }),
      packVoucher(0, { ...good, validUntilMs: -1n }),
      packVoucher(0, { ...good, validUntilMs: 1n }),
      packVoucher(0, { ...good, cumulativeUnits: 10n }),
      packVoucher(0, { ...good, cumulativeUnits: 2n ** 62n }),
      packVoucher(2, good),
      packVoucher(3, fixture.voucher(other, 5n, newKeys())),
    ];
    const tick = tickOf(channel, 3);
    const ticks = [
      packTick(0, tick),
      packTick(9, tick),
      packTick(1, tick),
      packTick(0, { ...tick, index: 0n }),
      packTick(0, { ...tick, index: 2n ** 32n - 1n }),
      packTick(0, { ...tick, index: 20_001n }),
    ];
    const bundles = [packBundle([8], fixture.bundle([[other, 3n]]))];
    fixture.call.send(batchMessage(1n, { vouchers, ticks, bundles }));
    await fixture.answered(1);
    const [[, refused]] = batchesOf(fixture.call.acks().at(-1)!) as [[bigint, [number, string][]]];
    expect(refused.toSorted(([a], [b]) => a - b)).toEqual([
      [1, 'CHANNEL_UNKNOWN'],
      [2, 'CHANNEL_UNKNOWN'],
      [3, 'MALFORMED'],
      [4, 'MALFORMED'],
      [5, 'MALFORMED'],
      [6, 'EXPIRED'],
      [7, 'SUPERSEDED'],
      [8, 'ABOVE_DEPOSIT'],
      [9, 'CHANNEL_CLOSED'],
      [10, 'BAD_SIGNATURE'],
      [12, 'CHANNEL_UNKNOWN'],
      [13, 'TICKS_NOT_COMMITTED'],
      [14, 'MALFORMED'],
      [15, 'LIMIT_EXCEEDED'],
      [16, 'TICK_OUT_OF_RANGE'],
      [17, 'CHANNEL_UNKNOWN'],
    ]);
    expect(fixture.call.acks().flatMap(receiptsOf)).toEqual([[0, 30n]]);
  });

  it('that takes two flushes has its receipts with each, and is acknowledged with the last', async () => {
    const fixture = new StreamFixture();
    const [first, second] = [fixture.open(), newChannel()];
    fixture.books.hold(second);
    await fixture.handlesFor([first, second]);
    fixture.table.forget(fixture.table.find(second.facts.id));
    const { open, writing } = fixture.hold();
    // The second channel is stale: the books are asked, and its payment comes to a later flush.
    let answer = () => {};
    const { channels } = fixture.books;
    fixture.books.channels = async (ids) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return channels.call(fixture.books, ids);
    };
    const vouchers = [
      packVoucher(0, fixture.voucher(first, 5n)),
      packVoucher(1, fixture.voucher(second, 6n)),
    ];
    fixture.call.send(batchMessage(1n, { vouchers }));
    await writing;
    open();
    await until(() => expect(fixture.call.acks().flatMap(receiptsOf)).toEqual([[0, 5n]]));
    expect(fixture.call.acks().flatMap(batchesOf)).toEqual([]);
    answer();
    await fixture.answered(1);
    expect(fixture.call.acks().map(receiptsOf)).toEqual([[[0, 5n]], [[1, 6n]]]);
  });

  it('asks the books when a tick is far ahead', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open();
    const tickPreimage = channel.chain[9_000]!;
    const ahead = { ...channel.facts, acceptedUnits: 90_000n, tickIndex: 9_000n, tickPreimage };
    fixture.books.hold({ ...channel, facts: ahead });
    await fixture.handlesFor([channel]);
    fixture.call.send(batchMessage(1n, { ticks: [packTick(0, tickOf(channel, 12_000))] }));
    await fixture.answered(1);
    expect(fixture.call.acks().flatMap(receiptsOf)).toEqual([[0, 120_000n]]);
  });

  it('has many refusals told in several messages', async () => {
    const fixture = new StreamFixture();
    const channel = fixture.open({ acceptedUnits: 10n });
    await fixture.handlesFor([channel]);
    const old = packVoucher(0, fixture.voucher(channel, 5n));
    const vouchers = new Array(LIMITS.batchItemsMax).fill(old);
    for (let sequence = 1n; sequence <= 5n; sequence++) {
      fixture.call.send(batchMessage(sequence, { vouchers }));
    }
    await fixture.answered(5);
    expect(fixture.call.acks().map(({ batches }) => batches.length)).toEqual([2, 2, 1]);
  });
});
