import { afterEach, describe, expect, it, vi } from 'vitest';
import { newKeys, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import { VerifierUnavailableError } from '../crypto/proof-verifier.js';
import { INGEST_LIMITS } from './limits.js';

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
    expect(fixture.verifier.verified).toBe(1);
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
    expect(fixture.verifier.verified).toBe(2);
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
    const { open, writing } = fixture.hold();
    const first = fixture.post({ vouchers: [fixture.voucher(channel, 5n)] });
    await writing;
    const resent = fixture.post({ vouchers: [fixture.voucher(channel, 5n)] });
    await new Promise((resolve) => setTimeout(resolve, 30));
    open();
    expect(await resent).toEqual(await first);
    expect(fixture.verifier.verified).toBe(1);
    expect(fixture.log.entries()).toHaveLength(1);
  });

  it('changes nothing when a write fails, so that sending again is safe and needed', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = fixture.hold();
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
    const { open, writing } = fixture.hold();
    const first = fixture.results({ vouchers: [fixture.voucher(channel, 5n)] });
    await writing;
    const higher = fixture.results({ vouchers: [fixture.voucher(channel, 6n)] });
    await new Promise((resolve) => setTimeout(resolve, 30));
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
    fixture.directory.mark(channel.facts.partition, Number(fixture.clock.nowMs()) + 1_001);
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
      fixture.directory.hear({
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

describe('a verifier that is away', () => {
  it('is nobody’s fault: nothing is accepted, and sending again helps', async () => {
    const fixture = new Fixture();
    const channels = [fixture.open(), fixture.open()];
    fixture.verifier.failure = new VerifierUnavailableError('a thread died');
    const vouchers = channels.map((channel) => fixture.voucher(channel, 5n));
    expect(await fixture.results({ vouchers })).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    fixture.verifier.failure = undefined;
    expect(await fixture.results({ vouchers })).toEqual([5n, 5n]);
    expect(fixture.table.held).toBe(0);
  });

  it('may come back between two tries of one contest', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const vouchers = [fixture.voucher(channel, 5n), fixture.voucher(channel, 9n, newKeys())];
    const verify = fixture.verifier.verify.bind(fixture.verifier);
    let round = 0;
    fixture.verifier.verify = (batch) => {
      if (++round === 2) return Promise.reject(new VerifierUnavailableError('a thread died'));
      return verify(batch);
    };
    expect(await fixture.results({ vouchers })).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(await fixture.results({ vouchers })).toEqual([5n, 'BAD_SIGNATURE']);
  });
});

describe('a hash chain that is replaced while a tick waits', () => {
  it('does not take the new chain’s preimage for the old chain’s amount', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = fixture.hold();
    const other = fixture.results({ vouchers: [fixture.voucher(fixture.open(), 1n)] });
    await writing;
    const { commitment } = channel.facts;
    const tick = fixture.results({ ticks: [tickOf(channel, 5)] });
    // The same hashes under another commitment, a tenth of the value.
    fixture.table.learn({
      ...channel.facts,
      commitment: { ...commitment!, tickValueUnits: 1n, baseUnits: 2n },
    });
    open();
    expect(await other).toEqual([1n]);
    expect(await tick).toEqual(['BAD_PREIMAGE']);
    expect(await fixture.results({ ticks: [tickOf(channel, 5)] })).toEqual([7n]);
  });
});

describe('a deadline', () => {
  afterEach(() => vi.useRealTimers());

  it('that passes before the write is a reason not to write', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const fixture = new Fixture();
    const channels = [fixture.open(), fixture.open()];
    const { open, writing } = fixture.hold();
    const first = fixture.results({ vouchers: [fixture.voucher(channels[0]!, 1n)] });
    await writing;
    const second = fixture.results({ vouchers: [fixture.voucher(channels[1]!, 1n)] });
    // Taken up and checked, it waits for the first to be written.
    await vi.waitFor(() => expect(fixture.verifier.verified).toBe(2));
    vi.advanceTimersByTime(INGEST_LIMITS.answerWithinMs);
    expect([await first, await second]).toEqual([['OUTCOME_UNKNOWN'], ['OUTCOME_UNKNOWN']]);
    open();
    await vi.waitFor(() => expect(fixture.table.held).toBe(0));
    expect(fixture.log.entries()).toHaveLength(1);
    expect(await fixture.results({ vouchers: [fixture.voucher(channels[1]!, 1n)] })).toEqual([1n]);
  });
});

describe('room', () => {
  it('that is used up is OVERLOADED, for a bundle as a whole', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(3);
    const { columns } = fixture.core.claims;
    const held = Array.from({ length: columns.room - 2 }, () =>
      columns.take({ isOpen: () => false } as never, new Uint8Array(0), undefined),
    );
    const bundles = [fixture.bundle(channels.map((channel) => [channel, 5n] as const))];
    expect(await fixture.results({ bundles })).toEqual(new Array(3).fill('OVERLOADED'));
    const vouchers = channels.map((channel) => fixture.voucher(channel, 5n));
    expect(await fixture.results({ vouchers })).toEqual([5n, 5n, 'OVERLOADED']);
    for (const slot of held) columns.release(slot);
    expect(await fixture.results({ vouchers: vouchers.slice(2) })).toEqual([5n]);
  });

  it('is given back whatever becomes of a payment', async () => {
    const fixture = new Fixture();
    const channels = Array.from({ length: 20 }, () => fixture.open());
    const stranger = newKeys();
    const vouchers = channels.flatMap((channel) => [
      fixture.voucher(channel, 9n, stranger),
      fixture.voucher(channel, 5n),
      fixture.voucher(channel, 2_000_000n),
    ]);
    await fixture.results({ vouchers });
    fixture.log.failure = new Error('no leader');
    await fixture.results({ vouchers: channels.map((channel) => fixture.voucher(channel, 6n)) });
    expect(fixture.table.held).toBe(0);
    expect(fixture.meter.itemsInFlight).toBe(0);
  });
});
