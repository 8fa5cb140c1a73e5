import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256 } from '#libs/crypto';
import { tickChain, tickUnits } from '#libs/domain';
import { newChannel, type TestChannel, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import type { ChannelFacts } from '../domain/channel.js';
import { SENDER_FAILURES } from '../domain/failure-budget.js';
import { INGEST_LIMITS } from './limits.js';

/** A chain that a channel of the factory is given after its own. */
function nextChain(channel: TestChannel, ticksMax: number, baseUnits: bigint) {
  const chain = tickChain(randomBytes(32), ticksMax, sha256);
  const commitment = {
    chainEnd: chain[0]!,
    tickValueUnits: 3n,
    ticksMax: BigInt(ticksMax),
    baseUnits,
  };
  const facts: ChannelFacts = {
    ...channel.facts,
    commitment,
    acceptedUnits: baseUnits,
    tickIndex: 0n,
    tickPreimage: chain[0]!,
  };
  return { channel: { ...channel, facts, chain }, commitment, facts };
}

/** A channel whose own chain, of `ticksMax` ticks worth 10 units, is used up. */
async function usedUp(fixture: Fixture, ticksMax: number) {
  const chain = tickChain(randomBytes(32), ticksMax, sha256);
  const chainEnd = chain[0]!;
  const commitment = { chainEnd, tickValueUnits: 10n, ticksMax: BigInt(ticksMax), baseUnits: 0n };
  const channel = { ...fixture.open({ commitment, tickPreimage: chainEnd }), chain };
  const lastUnits = tickUnits(commitment, commitment.ticksMax);
  expect(await fixture.results({ ticks: [tickOf(channel, ticksMax)] })).toEqual([lastUnits]);
  return { channel, lastUnits };
}

describe('a channel that is given another chain', () => {
  it('counts its ticks from the base, once the topic has told', async () => {
    const fixture = new Fixture();
    const { channel, lastUnits } = await usedUp(fixture, 4);
    const next = nextChain(channel, 5, lastUnits);
    fixture.table.learn(next.facts);
    const post = (index: number) => fixture.results({ ticks: [tickOf(next.channel, index)] });
    expect(await post(2)).toEqual([46n]);
    expect(await post(5)).toEqual([55n]);
    // News of the chain before, or of this one again, arrive late: they take nothing back.
    fixture.table.learn({ ...channel.facts, acceptedUnits: lastUnits, tickIndex: 4n });
    fixture.table.learn(next.facts);
    expect(await post(4)).toEqual(['SUPERSEDED']);
    expect(fixture.books.asked).toBeLessThanOrEqual(1);
  });

  it('is asked for at its first tick, when the topic has not told yet', async () => {
    const fixture = new Fixture();
    const { channel, lastUnits } = await usedUp(fixture, 4);
    const next = nextChain(channel, 5, lastUnits);
    fixture.books.hold(next.channel);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 3)] })).toEqual([49n]);
    const plain = fixture.open({ commitment: undefined });
    const first = nextChain(plain, 5, 0n);
    fixture.books.hold(first.channel);
    expect(await fixture.results({ ticks: [tickOf(first.channel, 1)] })).toEqual([3n]);
    expect(fixture.books.asked).toBe(2);
  });

  it('has its first tick put off, not refused, while the books do not answer', async () => {
    const fixture = new Fixture();
    const { channel, lastUnits } = await usedUp(fixture, 4);
    const next = nextChain(channel, 5, lastUnits);
    fixture.books.failure = new Error('down');
    expect(await fixture.results({ ticks: [tickOf(next.channel, 1)] })).toEqual(['UNAVAILABLE']);
    fixture.books.failure = undefined;
    fixture.books.hold(next.channel);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 1)] })).toEqual([43n]);
  });

  it('lets paid ticks be sent again for nothing, and asks for them once a second', async () => {
    const fixture = new Fixture();
    const { channel, lastUnits } = await usedUp(fixture, 300);
    fixture.books.hold(channel);
    const paid = { ticks: channel.chain.slice(1).map((_, at) => tickOf(channel, at + 1)) };
    expect(paid.ticks).toHaveLength(300);
    for (const _batch of [1, 2]) {
      const outcomes = await fixture.post(paid, 'payee:1');
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ reason: 'SUPERSEDED', acceptedUnits: lastUnits });
      }
    }
    expect(fixture.books.asked).toBe(1);
    const other = fixture.open();
    const vouchers = [fixture.voucher(other, 5n)];
    expect(await fixture.results({ vouchers }, 'payee:1')).toEqual([5n]);
    // A chain committed later is found by the next question.
    fixture.clock.advanceMs(BigInt(INGEST_LIMITS.unknownForMs));
    const next = nextChain(channel, 5, lastUnits);
    fixture.books.hold(next.channel);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 1)] })).toEqual([lastUnits + 3n]);
    expect(fixture.books.asked).toBe(2);
  });

  it('costs the sender of ticks beyond it one check a question, however many they are', async () => {
    const fixture = new Fixture();
    const beyond = async () => {
      const { channel } = await usedUp(fixture, 4);
      fixture.books.hold(channel);
      return { ...tickOf(channel, 3), index: 5n };
    };
    const one = new Array(300).fill(await beyond());
    expect(new Set(await fixture.results({ ticks: one }, 'bad:1'))).toEqual(
      new Set(['TICK_OUT_OF_RANGE']),
    );
    expect(await fixture.results({ ticks: one.slice(0, 1) }, 'bad:1')).toEqual([
      'TICK_OUT_OF_RANGE',
    ]);
    expect(fixture.books.asked).toBe(1);
    const many = await Promise.all(Array.from({ length: SENDER_FAILURES.max - 1 }, beyond));
    await fixture.results({ ticks: many.slice(1) }, 'bad:1');
    const last = { ticks: many.slice(0, 1) };
    expect(await fixture.results(last, 'bad:1')).toEqual(['TICK_OUT_OF_RANGE']);
    await expect(fixture.results(last, 'bad:1')).rejects.toThrow('OVERLOADED');
    expect(fixture.books.asked).toBe(SENDER_FAILURES.max);
  });

  it('is asked for, and none found, where there never was one or a tick is far ahead', async () => {
    const fixture = new Fixture();
    const plain = newChannel({ commitment: undefined });
    const long = newChannel();
    for (const channel of [plain, long]) {
      fixture.books.hold(channel);
      fixture.table.learn(channel.facts);
    }
    const ticks = [...new Array(300).fill(tickOf(plain, 1)), tickOf(long, 10_001)];
    expect(new Set(await fixture.results({ ticks }, 'payee:1'))).toEqual(
      new Set(['TICKS_NOT_COMMITTED', 'TICK_OUT_OF_RANGE']),
    );
    expect(fixture.books.asked).toBe(2);
    expect(await fixture.results({ ticks: [tickOf(long, 10_000)] }, 'payee:1')).toEqual([100_000n]);
  });

  it('does not take a tick of the chain before for one of this', async () => {
    const fixture = new Fixture();
    const { channel, lastUnits } = await usedUp(fixture, 4);
    const next = nextChain(channel, 5, lastUnits);
    fixture.table.learn(next.facts);
    expect(await fixture.results({ ticks: [tickOf(channel, 4)] })).toEqual(['BAD_PREIMAGE']);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 1)] })).toEqual([43n]);
  });

  it('keeps its place when the chain is replaced while an old tick is being written', async () => {
    const fixture = new Fixture();
    const own = tickChain(randomBytes(32), 4, sha256);
    const commitment = { chainEnd: own[0]!, tickValueUnits: 10n, ticksMax: 4n, baseUnits: 0n };
    const opened = fixture.open({ commitment, tickPreimage: own[0]! });
    const channel = { ...opened, chain: own };
    const next = nextChain(channel, 5, 40n);
    let release = () => {};
    fixture.log.gate = new Promise((resolve) => {
      release = resolve;
    });
    const written = new Promise<void>((resolve) => {
      fixture.log.onAppend = resolve;
    });
    const old = fixture.results({ ticks: [tickOf(channel, 4)] });
    await written;
    // Another replica had the last tick booked, so the payer could commit; the news come meanwhile.
    fixture.table.learn(next.facts);
    release();
    expect(await old).toEqual([40n]);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 2)] })).toEqual([46n]);
    expect(await fixture.results({ ticks: [tickOf(next.channel, 4)] })).toEqual([52n]);
  });
});
