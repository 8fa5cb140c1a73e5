import { describe, expect, it } from 'vitest';
import { type TickCommitment, tickUnits } from '#libs/domain';
import { bytesOf, chainOf, dice, factsOf, paidTo, tableOf } from '../../test/channel-facts.js';
import type { ChannelFacts } from './channel.js';
import { CHANNEL, ChannelTable } from './channel-table.js';

// The table of typed arrays against the obvious code, which is a map of objects.

/** A channel as the obvious code would keep it. */
type Plain = {
  facts: ChannelFacts;
  state: number;
  closesAtMs: number;
  acceptedUnits: bigint;
  chain: TickCommitment | undefined;
  tick: number;
  preimage: Uint8Array;
  holds: number;
  stale: boolean;
};

const STATES = ['open', 'closing', 'closed'] as const;

function hearPlainly(plain: Plain, facts: ChannelFacts): void {
  const state = STATES.indexOf(facts.state);
  const closesAtMs = Number(facts.closesAtMs);
  if (state > plain.state) Object.assign(plain, { state, closesAtMs });
  else if (state === 1 && plain.state === 1) {
    plain.closesAtMs = Math.min(plain.closesAtMs, closesAtMs);
  }
  if (facts.acceptedUnits > plain.acceptedUnits) plain.acceptedUnits = facts.acceptedUnits;
  const { commitment } = facts;
  if (commitment === undefined) return;
  if (plain.chain === undefined || commitment.baseUnits > plain.chain.baseUnits) {
    Object.assign(plain, { chain: commitment, tick: 0, preimage: commitment.chainEnd });
  }
  const isSame = plain.chain?.baseUnits === commitment.baseUnits;
  if (isSame && Number(facts.tickIndex) > plain.tick) {
    Object.assign(plain, { tick: Number(facts.tickIndex), preimage: facts.tickPreimage });
  }
}

function expectSame(table: ChannelTable, row: number, plain: Plain): void {
  const { facts } = plain;
  expect({
    state: table.state(row),
    closesAtMs: table.closesAtMs(row),
    acceptedUnits: table.acceptedUnits(row),
    tick: table.tickIndex(row),
    channelNo: table.channelNo(row),
    payee: table.payee(row),
    partition: table.partition(row),
    baseUnits: table.hasTicks(row) ? table.tickUnits(row, 0) : undefined,
  }).toEqual({
    state: plain.stale ? CHANNEL.stale : plain.state,
    closesAtMs: plain.closesAtMs,
    acceptedUnits: plain.acceptedUnits,
    tick: plain.tick,
    channelNo: facts.channelNo,
    payee: facts.payee,
    partition: facts.partition,
    baseUnits: plain.chain?.baseUnits,
  });
  expect(Buffer.compare(table.signerKey(row), facts.signerKey)).toBe(0);
  expect(Buffer.compare(table.id(row), facts.id)).toBe(0);
  if (plain.chain !== undefined) {
    expect(Buffer.compare(table.tickPreimage(row), plain.preimage)).toBe(0);
  }
}

/** Does the same to a table and to a map of objects. */
class Twins {
  readonly table = tableOf(48);
  readonly plain = new Map<number, Plain>();

  constructor(private readonly roll: (sides: number) => number) {}

  step(): void {
    const seed = 1 + this.roll(96);
    const row = this.#rowOf(seed);
    const action = this.roll(12);
    if (row < 0 || action < 3) this.#learn(seed);
    else this.#change(seed, row, action);
  }

  check(): void {
    for (const seed of this.plain.keys()) {
      const row = this.#rowOf(seed);
      const plain = this.plain.get(seed);
      if (plain !== undefined) expectSame(this.table, row, plain);
    }
    const held = [...this.plain.values()].filter(({ holds }) => holds > 0).length;
    expect([this.table.size, this.table.held]).toEqual([this.plain.size, held]);
  }

  // The table may drop what nobody holds, so what is gone there is forgotten here.
  #rowOf(seed: number): number {
    const row = this.table.find(factsOf(seed).id);
    if (row < 0) {
      expect(this.plain.get(seed)?.holds ?? 0).toBe(0);
      this.plain.delete(seed);
    }
    return row;
  }

  #learn(seed: number): void {
    const facts = this.#randomFacts(seed);
    const row = this.table.learn(facts);
    if (row < 0) return;
    const known = this.plain.get(seed);
    if (known !== undefined) {
      hearPlainly(known, facts);
      known.stale = false;
      return;
    }
    const plain: Plain = {
      facts,
      state: 0,
      closesAtMs: Number(facts.closesAtMs),
      acceptedUnits: 0n,
      chain: undefined,
      tick: 0,
      preimage: facts.tickPreimage,
      holds: 0,
      stale: false,
    };
    hearPlainly(plain, facts);
    this.plain.set(seed, plain);
  }

  #change(seed: number, row: number, action: number): void {
    const { table } = this;
    const plain = this.plain.get(seed)!;
    if (action < 5) {
      const facts = this.#randomFacts(seed);
      table.hear(row, facts);
      hearPlainly(plain, facts);
    } else if (action < 7 && plain.holds < 3) {
      table.retain(row);
      plain.holds++;
    } else if (action < 9 && plain.holds > 0) {
      table.release(row);
      plain.holds--;
      if (plain.holds === 0 && plain.stale) this.plain.delete(seed);
    } else if (action === 9) {
      const units = BigInt(this.roll(4_000));
      table.raise(row, units);
      if (units > plain.acceptedUnits) plain.acceptedUnits = units;
    } else if (action === 10) this.#advance(row, plain);
    else if (this.roll(4) === 0) this.#forget(seed, row, plain);
  }

  #advance(row: number, plain: Plain): void {
    if (plain.chain === undefined) return;
    const tick = 1 + this.roll(1_000);
    const preimage = bytesOf(32, this.roll);
    this.table.advanceTick(row, tick, preimage, tickUnits(plain.chain, BigInt(tick)));
    if (tick > plain.tick) Object.assign(plain, { tick, preimage });
  }

  #forget(seed: number, row: number, plain: Plain): void {
    this.table.forget(row);
    if (plain.holds > 0) plain.stale = true;
    else this.plain.delete(seed);
  }

  #randomFacts(seed: number): ChannelFacts {
    const chain = this.roll(3);
    const ticks =
      chain === 0 ? {} : paidTo(chainOf(BigInt(chain - 1) * 3_000n, chain), this.roll(99));
    return factsOf(seed, {
      state: STATES[this.roll(3)]!,
      closesAtMs: BigInt(this.roll(1_000)),
      acceptedUnits: BigInt(this.roll(3_000)),
      ...ticks,
      ...(ticks.tickIndex === 0n ? { tickPreimage: ticks.commitment!.chainEnd } : {}),
    });
  }
}

describe('the table and a map of objects', () => {
  it.each([1, 2, 3, 4, 5, 6])('never differ, whatever is done to them (%i)', (seed) => {
    const twins = new Twins(dice(seed));
    for (let step = 0; step < 5_000; step++) {
      twins.step();
      if (step % 100 === 0) twins.check();
    }
    twins.check();
  });
});
