import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '#libs/domain';
import { FakeClock } from '#libs/testing';
import { newChannel, PARTITIONS } from '../../test/factory.js';
import type { ChannelFacts } from '../domain/channel.js';
import { CHANNEL, ChannelTable } from '../domain/channel-table.js';
import { ChannelDirectory } from './channel-directory.js';
import { ChannelLookup, lookupRefusal, NO_ROW } from './channel-lookup.js';
import { INGEST_LIMITS } from './limits.js';
import { OpenQuestions } from './open-questions.js';
import type { Books, BooksAnswer, IngestMeter } from './ports.js';

/** Books that answer when the test says so. */
class SlowBooks implements Books {
  readonly asked: Uint8Array[][] = [];
  readonly #answers: ((answer: BooksAnswer | Error) => void)[] = [];

  channels(ids: readonly Uint8Array[]): Promise<BooksAnswer> {
    this.asked.push([...ids]);
    return new Promise((resolve, reject) => {
      this.#answers.push((answer) => {
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    });
  }

  async answer(known: ChannelFacts[] | Error, unreadable: Uint8Array[] = []): Promise<void> {
    await turn();
    this.#answers.shift()?.(known instanceof Error ? known : { known, unreadable });
    await turn();
  }
}

function setUp({ rowsMax = 64, marked = true } = {}) {
  const clock = new FakeClock();
  const table = new ChannelTable({ partitions: PARTITIONS, rowsMax });
  const questions = new OpenQuestions();
  const directory = new ChannelDirectory(table, questions, clock);
  const books = new SlowBooks();
  const results: Record<string, number> = {};
  const meter = {
    lookedUp: (result: string, channels: number) => {
      results[result] = (results[result] ?? 0) + channels;
    },
  } as unknown as IngestMeter;
  const lookup = new ChannelLookup({ books, table, questions, clock, meter });
  const mark = () => {
    for (let part = 0; part < PARTITIONS; part++) directory.mark(part, Number(clock.nowMs()));
  };
  if (marked) mark();
  return { clock, table, questions, directory, books, results, lookup, mark };
}

const factsOf = (change: Partial<ChannelFacts> = {}) => newChannel(change).facts;
const idsOf = (...all: ChannelFacts[]) => concatBytes(...all.map(({ id }) => id));

describe('a question to the books', () => {
  it('is one for all channels asked for in the same turn, and answered in the order asked', async () => {
    const { lookup, books, table, results } = setUp();
    const [a, b, c] = [factsOf(), factsOf(), factsOf()];
    const first = lookup.ask(idsOf(a, b, a));
    const second = lookup.ask(idsOf(c, b));
    await books.answer([c, a]);
    expect(books.asked).toEqual([[a.id, b.id, c.id]]);
    const rows = [...(await first), ...(await second)];
    expect(rows).toEqual([
      table.find(a.id),
      NO_ROW.unknown,
      table.find(a.id),
      table.find(c.id),
      NO_ROW.unknown,
    ]);
    expect(results).toEqual({ found: 2, failed: 0, unknown: 1 });
  });

  it('hands every row over retained, once per asker', async () => {
    const { lookup, books, table } = setUp();
    const facts = factsOf();
    const asked = lookup.ask(idsOf(facts, facts));
    await books.answer([facts]);
    const [row = -1] = await asked;
    expect(table.held).toBe(1);
    table.release(row);
    expect(table.held).toBe(1);
    table.release(row);
    expect(table.held).toBe(0);
  });

  it('is answered at once when nothing is asked', async () => {
    expect(await setUp().lookup.ask(new Uint8Array(0))).toEqual(new Int32Array(0));
  });

  it('is not put before the first mark of its partition was read', async () => {
    const { lookup, books, directory } = setUp({ marked: false });
    const facts = factsOf();
    expect(await lookup.ask(facts.id)).toEqual(Int32Array.of(NO_ROW.unavailable));
    directory.mark(facts.partition, 1);
    const asked = lookup.ask(facts.id);
    await books.answer([facts]);
    expect((await asked)[0]).toBeGreaterThanOrEqual(0);
    expect(books.asked).toHaveLength(1);
  });

  it('is remembered for a second when the channel is unknown', async () => {
    const { lookup, books, clock } = setUp();
    const facts = factsOf();
    const first = lookup.ask(facts.id);
    await books.answer([]);
    expect((await first)[0]).toBe(NO_ROW.unknown);
    expect((await lookup.ask(facts.id))[0]).toBe(NO_ROW.unknown);
    clock.advanceMs(1_001n);
    const again = lookup.ask(facts.id);
    await books.answer([facts]);
    expect((await again)[0]).toBeGreaterThanOrEqual(0);
    expect(books.asked).toHaveLength(2);
  });

  it('that fails, or whose answer makes no sense, does not make a channel unknown', async () => {
    const { lookup, books, results } = setUp();
    const [a, b] = [factsOf(), factsOf()];
    const failed = lookup.ask(a.id);
    await books.answer(new Error('down'));
    expect((await failed)[0]).toBe(NO_ROW.unavailable);
    const half = lookup.ask(idsOf(a, b));
    await books.answer([a], [b.id]);
    expect((await half)[1]).toBe(NO_ROW.unavailable);
    expect((await half)[0]).toBeGreaterThanOrEqual(0);
    expect(results).toEqual({ found: 1, failed: 2, unknown: 0 });
  });

  it('holds at most 4096 channels; four are out at a time, and the rest waits', async () => {
    const { lookup, books } = setUp({ rowsMax: 2 ** 15 });
    const { lookupChannelsMax, lookupsMax } = INGEST_LIMITS;
    const asked = lookup.ask(randomBytes(32 * (lookupsMax + 1) * lookupChannelsMax));
    await turn();
    expect(books.asked.map(({ length }) => length)).toEqual(Array(4).fill(4096));
    for (let answer = 0; answer < 5; answer++) await books.answer([]);
    expect(new Set(await asked)).toEqual(new Set([NO_ROW.unknown]));
  });

  it('is refused beyond the bound on channels that wait, and when all rows are held', async () => {
    const { lookup, books, table } = setUp({ rowsMax: 16 });
    const { lookupsWaitingMax } = INGEST_LIMITS;
    void lookup.ask(randomBytes(32 * lookupsWaitingMax));
    expect((await lookup.ask(randomBytes(32)))[0]).toBe(NO_ROW.overloaded);
    for (let at = 0; at < 16; at++) await books.answer([]);
    const many = Array.from({ length: 17 }, () => factsOf());
    const asked = lookup.ask(idsOf(...many));
    await books.answer(many);
    const rows = await asked;
    expect(rows.filter((row) => row === NO_ROW.overloaded).length).toBeGreaterThan(0);
    expect(table.held).toBe(rows.filter((row) => row >= 0).length);
  });

  it.each([
    [NO_ROW.unknown, 'CHANNEL_UNKNOWN'],
    [NO_ROW.unavailable, 'UNAVAILABLE'],
    [NO_ROW.overloaded, 'OVERLOADED'],
  ])('without a row (%i) is refused with %s', (noRow, reason) => {
    expect(lookupRefusal(noRow).reason).toBe(reason);
  });
});

describe('news that overtakes an answer', () => {
  const closing = (facts: ChannelFacts, closesAtMs = 7n) =>
    ({ ...facts, state: 'closing', closesAtMs }) as const;

  it('counts, however old the answer is', async () => {
    const { lookup, books, directory, table } = setUp();
    const facts = factsOf();
    const asked = lookup.ask(facts.id);
    await turn();
    directory.hear(closing(facts));
    expect(table.find(facts.id)).toBe(-1);
    await books.answer([{ ...facts, acceptedUnits: 9n }]);
    const [row = -1] = await asked;
    expect([table.state(row), table.closesAtMs(row)]).toEqual([CHANNEL.closing, 7]);
    expect(table.acceptedUnits(row)).toBe(9n);
  });

  it('never takes back what the answer says', async () => {
    const { lookup, books, directory, table } = setUp();
    const facts = factsOf();
    const asked = lookup.ask(facts.id);
    // The relay repeats an old event now and then.
    directory.hear(facts);
    await books.answer([{ ...facts, state: 'closed' }]);
    expect(table.state((await asked)[0] ?? -1)).toBe(CHANNEL.closed);
  });

  it('counts too while a known channel is asked for again', async () => {
    const { lookup, books, directory, table } = setUp();
    const facts = factsOf();
    table.learn(facts);
    const asked = lookup.ask(facts.id);
    directory.hear(closing(facts));
    expect(table.state(table.find(facts.id))).toBe(CHANNEL.closing);
    // The row makes room for another before the answer is here.
    table.forget(table.find(facts.id));
    await books.answer([facts]);
    expect(table.state((await asked)[0] ?? -1)).toBe(CHANNEL.closing);
  });

  it('makes a channel known that was opened after the books looked', async () => {
    const { lookup, books, directory, table } = setUp();
    const facts = factsOf();
    const asked = lookup.ask(facts.id);
    directory.hear(facts);
    await books.answer([]);
    expect(await asked).toEqual(Int32Array.of(table.find(facts.id)));
  });

  it('that is lost spoils the answer, whether of one channel or of a partition', async () => {
    const { lookup, books, directory, mark, table } = setUp();
    const [a, b] = [factsOf(), factsOf()];
    const asked = lookup.ask(idsOf(a, b));
    directory.forget(a.id);
    directory.lost(b.partition);
    await books.answer([a, b]);
    expect(await asked).toEqual(Int32Array.of(NO_ROW.unavailable, NO_ROW.unavailable));
    expect(table.size).toBe(0);
    expect((await lookup.ask(b.id))[0]).toBe(NO_ROW.unavailable);
    mark();
    const again = lookup.ask(idsOf(a, b));
    await books.answer([a, b]);
    expect((await again).every((row) => row >= 0)).toBe(true);
  });

  it('makes a held channel current again after it was distrusted', async () => {
    const { lookup, books, directory, table, mark } = setUp();
    const facts = factsOf();
    const row = table.learn(facts);
    table.retain(row);
    directory.lost(facts.partition);
    expect(table.state(row)).toBe(CHANNEL.stale);
    mark();
    const asked = lookup.ask(facts.id);
    await books.answer([closing(facts)]);
    expect(await asked).toEqual(Int32Array.of(row));
    expect(table.state(row)).toBe(CHANNEL.closing);
  });

  it('is of no interest while the channel is neither known nor asked for', async () => {
    const { lookup, books, directory, table, questions } = setUp();
    const facts = factsOf();
    directory.hear(facts);
    expect([directory.isOfInterest(facts.id), table.size]).toEqual([false, 0]);
    const asked = lookup.ask(facts.id);
    expect(directory.isOfInterest(facts.id)).toBe(true);
    await books.answer([facts]);
    await asked;
    expect([directory.isOfInterest(facts.id), questions.size]).toEqual([true, 0]);
  });
});

describe('any order of answers and news', () => {
  it('ends with what the books say last', async () => {
    const { lookup, books, directory, table } = setUp();
    const states = ['open', 'closing', 'closed'] as const;
    for (let round = 0; round < 200; round++) {
      const facts = factsOf({ closesAtMs: 50n });
      const versions = states.map((state, at) => ({ ...facts, state, acceptedUnits: BigInt(at) }));
      const asked = lookup.ask(facts.id);
      // The books answer with the version of some moment; all later ones come as news, in order,
      // some before the answer and some after it, and old ones may be repeated.
      const shown = round % 3;
      const early = shown + (round % (3 - shown));
      for (const version of versions.slice(0, early + 1)) directory.hear(version);
      await books.answer(versions.slice(shown, shown + 1));
      for (const version of versions.slice(early + 1)) directory.hear(version);
      const [row = -1] = await asked;
      expect([table.state(row), table.acceptedUnits(row)]).toEqual([CHANNEL.closed, 2n]);
      table.release(row);
    }
  });
});
