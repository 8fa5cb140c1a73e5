import { describe, expect, it } from 'vitest';
import { newKeys, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';

/** Holds the log's writes back until `open` is called; `writing` resolves when one has arrived. */
function hold(fixture: Fixture) {
  let open = () => {};
  let arrived = () => {};
  const writing = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  fixture.log.onAppend = arrived;
  fixture.log.gate = new Promise((resolve) => {
    open = resolve;
  });
  return { open: () => open(), writing };
}

describe('compaction', () => {
  it('verifies and logs the highest claim of a channel, which answers the lower ones', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const vouchers = [3n, 9n, 9n, 1n].map((units) => fixture.voucher(channel, units));
    const outcomes = await fixture.post({ vouchers });
    expect(outcomes).toEqual(
      new Array(4).fill({
        ok: true,
        acceptedUnits: 9n,
        partition: channel.facts.partition,
        offset: 0n,
      }),
    );
    expect(fixture.verified).toHaveLength(1);
    expect(fixture.log.entries()).toMatchObject([
      { kind: 'voucher', channelNo: channel.facts.channelNo, cumulativeUnits: 9n },
    ]);
  });

  it('writes one record per partition, all in one request', async () => {
    const fixture = new Fixture();
    const channels = Array.from({ length: 64 }, () => fixture.open());
    await fixture.results({ vouchers: channels.map((channel) => fixture.voucher(channel, 5n)) });
    expect(fixture.log.written).toHaveLength(1);
    const partitions = new Set(channels.map(({ facts }) => facts.partition));
    expect(new Set(fixture.log.written[0]!.keys())).toEqual(partitions);
    expect(fixture.log.entries()).toHaveLength(64);
  });

  it('tries the runner-up once when the highest fails', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const stranger = newKeys();
    const vouchers = [
      fixture.voucher(channel, 5n),
      fixture.voucher(channel, 9n, stranger),
      fixture.voucher(channel, 4n),
    ];
    expect(await fixture.results({ vouchers })).toEqual([5n, 'BAD_SIGNATURE', 5n]);
  });

  it('answers the rest of a sender whose two highest fail without checking it', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const stranger = newKeys();
    const vouchers = [
      fixture.voucher(channel, 5n),
      fixture.voucher(channel, 8n, stranger),
      fixture.voucher(channel, 9n, stranger),
    ];
    const results = await fixture.results({ vouchers });
    expect(results).toEqual(['OVERLOADED', 'BAD_SIGNATURE', 'BAD_SIGNATURE']);
    expect(fixture.verified).toHaveLength(2);
    expect(fixture.log.written).toHaveLength(0);
  });

  it('accepts an honest payment under the garbage of other connections', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const stranger = newKeys();
    const garbage = [90n, 80n, 70n].map((units) => fixture.voucher(channel, units, stranger));
    const [bad, good] = await Promise.all([
      fixture.results({ vouchers: garbage }, 'bad:1'),
      fixture.results({ vouchers: [fixture.voucher(channel, 5n)] }, 'good:1'),
    ]);
    expect(good).toEqual([5n]);
    expect(bad).toEqual(['BAD_SIGNATURE', 'BAD_SIGNATURE', 'OVERLOADED']);
  });

  it('does not take the preimage of an unchecked tick for a fact', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const lie = { ...tickOf(channel, 2), preimage: Buffer.alloc(32, 9) };
    const vouchers = [fixture.voucher(channel, 25n)];
    expect(await fixture.results({ vouchers, ticks: [lie] })).toEqual([25n, 25n]);
    expect(await fixture.results({ ticks: [tickOf(channel, 3)] })).toEqual([30n]);
  });
});

describe('durable state', () => {
  it('lets a resend of an in-flight payment join the pending write', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = hold(fixture);
    const first = fixture.post({ vouchers: [fixture.voucher(channel, 5n)] });
    await writing;
    const resent = fixture.post({ vouchers: [fixture.voucher(channel, 5n)] });
    await new Promise((resolve) => setTimeout(resolve, 30));
    open();
    expect(await resent).toEqual(await first);
    expect(fixture.verified).toHaveLength(1);
    expect(fixture.log.entries()).toHaveLength(1);
  });

  it('changes nothing when a write fails, so that sending again is safe and needed', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = hold(fixture);
    fixture.log.failure = new Error('no leader');
    const first = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] });
    await writing;
    const resent = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] });
    await new Promise((resolve) => setTimeout(resolve, 30));
    open();
    expect(await first).toEqual(['OUTCOME_UNKNOWN']);
    expect(await resent).toEqual(['OUTCOME_UNKNOWN']);
    fixture.log.failure = undefined;
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([5n]);
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([
      'SUPERSEDED',
    ]);
  });

  it('gives a higher claim that arrives during a write a write of its own', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = hold(fixture);
    const first = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] });
    await writing;
    const higher = fixture.results({ vouchers: [fixture.voucher(channel, 6n)] });
    open();
    expect(await first).toEqual([5n]);
    expect(await higher).toEqual([6n]);
    expect(fixture.log.written).toHaveLength(2);
  });
});

describe('the closing protocol', () => {
  it('refuses before the write while marks are late', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    fixture.clock.advanceMs(2_001n);
    const voucher = fixture.voucher(channel, 5n);
    expect(await fixture.results({ vouchers: [voucher] })).toEqual(['UNAVAILABLE']);
    expect(fixture.log.written).toHaveLength(0);
    fixture.mark();
    expect(await fixture.results({ vouchers: [voucher] })).toEqual([5n]);
  });

  it('refuses when a mark is from the future: the clocks disagree', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    fixture.directory.mark(channel.facts.partition, fixture.clock.nowMs() + 1_001n);
    const voucher = fixture.voucher(channel, 5n);
    expect(await fixture.results({ vouchers: [voucher] })).toEqual(['UNAVAILABLE']);
  });

  it('never acknowledges when marks became late during the write', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    fixture.log.onAppend = () => fixture.clock.advanceMs(2_001n);
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([
      'OUTCOME_UNKNOWN',
    ]);
    fixture.log.onAppend = () => undefined;
    fixture.mark();
    // Fresh news and no closing among it: the record of the first write stands before any finalize.
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([
      'SUPERSEDED',
    ]);
  });

  it('never acknowledges when the channel closed during the write', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    fixture.log.onAppend = () =>
      fixture.directory.learn({
        ...channel.facts,
        state: 'closing',
        closesAtMs: fixture.clock.nowMs(),
      });
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([
      'OUTCOME_UNKNOWN',
    ]);
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 6n)] })).toEqual([
      'CHANNEL_CLOSED',
    ]);
  });

  it('acknowledges during a dispute window, up to its end', async () => {
    const fixture = new Fixture();
    const closesAtMs = fixture.clock.nowMs() + 1_000n;
    const channel = fixture.open({ state: 'closing', closesAtMs });
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 5n)] })).toEqual([5n]);
    fixture.clock.advanceMs(1_000n);
    expect(await fixture.results({ vouchers: [fixture.voucher(channel, 6n)] })).toEqual([
      'CHANNEL_CLOSED',
    ]);
  });
});
