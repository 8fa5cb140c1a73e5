import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideFlush, type PlainClaim, type PlainOutcome } from '../../test/decide-flush.js';
import { newKeys, type TestChannel, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';

/*
 * The flush in columns against its plain form: whatever is posted for one flush, by whomever, each
 * payment has the outcome that the plain form names, and the log holds the same winners.
 */

const CHANNELS = 4;
const SENDERS = ['a:1', 'b:1', 'c:1'];

type Entry = { channel: number; level: number };
type Action =
  | { kind: 'voucher' | 'tick'; sender: string; holds: boolean; entries: [Entry] }
  | { kind: 'bundle'; sender: string; holds: boolean; entries: Entry[] };

const entry = fc.record({
  channel: fc.nat({ max: CHANNELS - 1 }),
  level: fc.integer({ min: 1, max: 5 }),
});
const sender = fc.constantFrom(...SENDERS);
// Mostly right, as in life, but wrong often enough that contests go on.
const holds = fc.oneof({ weight: 2, arbitrary: fc.constant(true) }, fc.constant(false));
const single = fc.record({
  kind: fc.constantFrom('voucher' as const, 'tick' as const),
  sender,
  holds,
  entries: fc.tuple(entry),
});
const bundle = fc.record({
  kind: fc.constant('bundle' as const),
  sender,
  holds,
  entries: fc.uniqueArray(entry, { minLength: 1, maxLength: CHANNELS, selector: (e) => e.channel }),
});
const actions: fc.Arbitrary<Action[]> = fc.array(fc.oneof(single, bundle), {
  minLength: 1,
  maxLength: 24,
});

// A tick is worth 10 units, so that vouchers and ticks meet at the same amounts.
const unitsOf = (level: number) => BigInt(level) * 10n;

describe('the decision of a flush', () => {
  const stranger = newKeys();

  async function post(
    fixture: Fixture,
    channels: TestChannel[],
    action: Action,
  ): Promise<PlainOutcome[]> {
    const { kind, entries, holds: isRight } = action;
    const [first] = entries;
    const channel = channels[first?.channel ?? 0]!;
    const level = first?.level ?? 1;
    const signer = isRight ? channel.payer : stranger;
    if (kind === 'voucher') {
      const vouchers = [fixture.voucher(channel, unitsOf(level), signer)];
      return fixture.results({ vouchers }, action.sender);
    }
    if (kind === 'tick') {
      const tick = tickOf(channel, level);
      const preimage = isRight ? tick.preimage : Buffer.alloc(32, 9);
      return fixture.results({ ticks: [{ ...tick, preimage }] }, action.sender);
    }
    const payments = entries.map((e) => [channels[e.channel]!, unitsOf(e.level)] as const);
    return fixture.results({ bundles: [fixture.bundle(payments, signer)] }, action.sender);
  }

  it('is that of its plain form', async () => {
    await fc.assert(
      fc.asyncProperty(actions, async (all) => {
        const fixture = new Fixture();
        const channels = fixture.openTogether(CHANNELS);
        const claims = all.flatMap((action): PlainClaim[] =>
          action.entries.map(({ channel, level }) => ({
            channel,
            sender: action.sender,
            units: unitsOf(level),
            kind: action.kind,
            holds: action.holds,
          })),
        );
        const { outcomes, winners } = decideFlush(claims);
        // Posted in one turn of the event loop, so the window of one flush catches them all.
        const got = await Promise.all(all.map((action) => post(fixture, channels, action)));
        expect(got.flat()).toEqual(outcomes);
        const logged = fixture.log
          .entries()
          .flatMap((block) =>
            block.kind === 'bundle'
              ? block.entries.filter(({ accepted }) => accepted)
              : [{ channelNo: block.channelNo, cumulativeUnits: block.cumulativeUnits }],
          );
        const expected = winners.map(({ channel, units }) => [
          channels[channel]!.facts.channelNo,
          units,
        ]);
        expect(
          new Set(
            logged.map(({ channelNo, cumulativeUnits }) => `${channelNo} ${cumulativeUnits}`),
          ),
        ).toEqual(new Set(expected.map(([no, units]) => `${no} ${units}`)));
        expect(logged).toHaveLength(expected.length);
        expect(fixture.table.held).toBe(0);
        await fixture.service.drain(1_000);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
