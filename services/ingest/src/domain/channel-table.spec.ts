import { describe, expect, it } from 'vitest';
import { addressFromBytes } from '#libs/domain';
import { chainOf, factsOf, PARTITIONS, paidTo, tableOf } from '../../test/channel-facts.js';
import { CHANNEL } from './channel-table.js';

const NOW_MS = 1_000_000;

describe('ChannelTable', () => {
  it('finds by id, wherever it stands, and tells all facts', () => {
    const table = tableOf();
    const facts = factsOf(1, { ...paidTo(chainOf(5n, 9), 4), acceptedUnits: 100n });
    const row = table.learn(facts);
    expect(table.find(Buffer.concat([Buffer.alloc(7), facts.id]), 7)).toBe(row);
    expect(table.find(facts.id.map((byte) => byte ^ 1))).toBe(-1);
    expect(Buffer.from(table.id(row))).toEqual(Buffer.from(facts.id));
    expect(Buffer.from(table.signerKey(row))).toEqual(Buffer.from(facts.signerKey));
    expect(table.payee(row)).toBe(facts.payee);
    expect(addressFromBytes(table.payeeBytes(row))).toBe(facts.payee);
    expect(table.payeeIs(row, facts.payee)).toBe(true);
    expect(table.payeeIs(row, `${facts.payee.slice(0, 33)}?`)).toBe(false);
    expect(table.payeeIs(row, facts.payee.slice(0, 33))).toBe(false);
    expect(table.partition(row)).toBe(facts.partition);
    expect(table.channelNo(row)).toBe(facts.channelNo);
    expect(table.depositUnits(row)).toBe(facts.depositUnits);
    expect(table.acceptedUnits(row)).toBe(100n);
    expect(table.hasTicks(row)).toBe(true);
    expect(table.tickUnits(row, 4)).toBe(17n);
    expect(table.ticksMax(row)).toBe(1_000);
    expect(table.tickValueUnits(row)).toBe(3n);
    expect(table.tickIndex(row)).toBe(4);
    expect(Buffer.from(table.tickPreimage(row))).toEqual(Buffer.alloc(32, 4));
    expect(table.size).toBe(1);
  });

  it('gives channels of one signer the same number, and keeps none of what is gone', () => {
    const table = tableOf();
    const [a, b, other] = [factsOf(1), factsOf(8), factsOf(2)];
    const rows = [a, b, other].map((facts) => table.learn(facts));
    const [ofA, ofB, ofOther] = rows.map((row) => table.signerNo(row));
    expect(ofA).toBe(ofB);
    expect(ofA).not.toBe(ofOther);
    for (const row of rows) table.forget(row);
    expect(table.size).toBe(0);
    const again = table.learn(factsOf(3));
    expect(Buffer.from(table.signerKey(again))).toEqual(Buffer.from(factsOf(3).signerKey));
    expect(table.payee(again)).toBe(factsOf(3).payee);
    expect(table.hasTicks(again)).toBe(false);
  });

  it('accepts while open, and while closing until the earliest end it heard of', () => {
    const table = tableOf();
    const row = table.learn(factsOf(1));
    const closing = (closesAtMs: bigint) => factsOf(1, { state: 'closing', closesAtMs });
    expect(table.accepts(row, NOW_MS)).toBe(true);
    table.hear(row, closing(500n));
    table.hear(row, closing(900n));
    table.hear(row, factsOf(1));
    expect([table.state(row), table.closesAtMs(row)]).toEqual([CHANNEL.closing, 500]);
    expect([table.accepts(row, 499), table.accepts(row, 500)]).toEqual([true, false]);
    table.hear(row, factsOf(1, { state: 'closed' }));
    table.hear(row, closing(100n));
    expect(table.state(row)).toBe(CHANNEL.closed);
    expect(table.accepts(row, 0)).toBe(false);
  });

  it('follows a channel from one hash chain to the next, and never back', () => {
    const table = tableOf();
    const row = table.learn(factsOf(1));
    table.advanceTick(row, 1, new Uint8Array(32), 3n);
    expect(table.hasTicks(row)).toBe(false);
    const [first, second] = [chainOf(0n, 1), chainOf(3_000n, 2)];
    table.hear(row, factsOf(1, { commitment: first }));
    expect(Buffer.from(table.tickPreimage(row))).toEqual(Buffer.from(first.chainEnd));
    table.advanceTick(row, 7, new Uint8Array(32).fill(7), 21n);
    expect(table.tickIndex(row)).toBe(7);
    table.hear(row, factsOf(1, { commitment: second }));
    expect([table.tickIndex(row), table.tickUnits(row, 2)]).toEqual([0, 3_006n]);
    // A tick of the first chain that was still being written when the second came.
    table.advanceTick(row, 8, new Uint8Array(32).fill(8), 24n);
    table.hear(row, factsOf(1, paidTo(first, 1_000)));
    expect(table.tickIndex(row)).toBe(0);
    expect(Buffer.from(table.tickPreimage(row))).toEqual(Buffer.from(second.chainEnd));
  });

  it('changes nothing when what it is told makes no sense', () => {
    const table = tableOf();
    const wrong = factsOf(1, { payee: `${factsOf(1).payee.slice(0, 33)}1` });
    expect(() => table.learn(wrong)).toThrow('not a TRON address');
    expect(table.size).toBe(0);
    const row = table.learn(factsOf(1));
    expect(() => table.release(row)).toThrow('is not held');
  });
});

describe('distrust', () => {
  it('makes a held channel stale until the books are asked again, and drops others', () => {
    const table = tableOf();
    const [held, free] = [table.learn(factsOf(1)), table.learn(factsOf(2))];
    table.retain(held);
    table.forget(held);
    table.forget(free);
    expect([table.find(factsOf(1).id), table.find(factsOf(2).id)]).toEqual([held, -1]);
    expect([table.state(held), table.accepts(held, NOW_MS)]).toEqual([CHANNEL.stale, false]);
    table.hear(held, factsOf(1, { acceptedUnits: 9n }));
    expect(table.state(held)).toBe(CHANNEL.stale);
    expect(table.learn(factsOf(1, { state: 'closing', closesAtMs: 7n }))).toBe(held);
    expect([table.state(held), table.acceptedUnits(held)]).toEqual([CHANNEL.closing, 9n]);
  });

  it('lets a stale channel go when nobody holds it any more', () => {
    const table = tableOf();
    const row = table.learn(factsOf(1));
    table.retain(row);
    table.retain(row);
    table.forget(row);
    table.release(row);
    expect(table.find(factsOf(1).id)).toBe(row);
    table.release(row);
    expect([table.find(factsOf(1).id), table.size, table.held]).toEqual([-1, 0, 0]);
  });

  it('forgets a partition and its mark, and no other', () => {
    const table = tableOf(256);
    const all = Array.from({ length: 100 }, (_, at) => factsOf(at + 1));
    for (const facts of all) table.learn(facts);
    for (let part = 0; part < PARTITIONS; part++) table.marks.take(part, NOW_MS, NOW_MS);
    table.forgetPartition(3);
    for (const { id, partition } of all) expect(table.find(id) < 0).toBe(partition === 3);
    expect([table.isFresh(3, NOW_MS), table.isFresh(4, NOW_MS)]).toEqual([false, true]);
  });
});

describe('a full table', () => {
  it('makes room by dropping what was not used since the hand came by', () => {
    const table = tableOf(16);
    const all = Array.from({ length: 18 }, (_, at) => factsOf(at + 1));
    for (const facts of all.slice(0, 17)) table.learn(facts);
    // The first turn of the hand took the marks of use away; these are used again.
    const used = all.slice(1, 6);
    for (const { id } of used) table.find(id);
    const fresh = all[17]!;
    table.learn(fresh);
    expect(table.size).toBe(16);
    for (const { id } of [...used, all[16]!, fresh]) {
      expect(table.find(id)).toBeGreaterThanOrEqual(0);
    }
  });

  it('never drops what is held, and takes no more when nearly all is', () => {
    const table = tableOf(64);
    const held = Array.from({ length: 60 }, (_, at) => factsOf(at + 1));
    const rows = held.map((facts) => table.learn(facts));
    for (const row of rows) table.retain(row);
    for (let seed = 100; seed < 104; seed++) expect(table.learn(factsOf(seed))).not.toBe(-1);
    expect(table.learn(factsOf(104))).toBe(-1);
    expect(table.learn(held[0]!)).toBe(rows[0]);
    table.release(rows[7]!);
    for (let seed = 200; seed < 300; seed++) expect(table.learn(factsOf(seed))).not.toBe(-1);
    held.forEach(({ id }, at) => {
      expect(table.find(id)).toBe(at === 7 ? -1 : rows[at]);
    });
    expect([table.size, table.held]).toEqual([64, 59]);
  });

  it('costs at most 300 bytes a channel, even if none shares anything with another', () => {
    const before = process.memoryUsage().arrayBuffers;
    const table = tableOf(1_000_000);
    const bytes = process.memoryUsage().arrayBuffers - before;
    expect(bytes / 1_000_000).toBeLessThan(300);
    expect(table.size).toBe(0);
  });
});
