import { describe, expect, it } from 'vitest';
import { newKeys, type TestChannel, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import { VerifierUnavailableError } from '../crypto/proof-verifier.js';
import type { Outcome } from '../domain/claim.js';

const post = (fixture: Fixture, channel: TestChannel, index: number, sender?: string) =>
  fixture.results({ ticks: [tickOf(channel, index)] }, sender);

const forged = (channel: TestChannel, index: number, byte = 9) => ({
  ...tickOf(channel, index),
  preimage: Buffer.alloc(32, byte),
});

/** A channel that owes what `index` of its ticks pay, all by a voucher. */
async function overtaken(fixture: Fixture, index: number) {
  const channel = fixture.open();
  const units = BigInt(index) * 10n;
  expect(await fixture.results({ vouchers: [fixture.voucher(channel, units)] })).toEqual([units]);
  return channel;
}

describe('a tick that vouchers have overtaken', () => {
  it('is what later ticks are hashed to', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const vouchers = [fixture.voucher(channel, 95_000n)];
    const ticks = [tickOf(channel, 9_000)];
    expect(await fixture.results({ vouchers, ticks })).toEqual([95_000n, 95_000n]);
    expect(await post(fixture, channel, 15_000)).toEqual(['TICK_OUT_OF_RANGE']);
    const [between] = await fixture.post({ ticks });
    expect(between).toMatchObject({ reason: 'SUPERSEDED', acceptedUnits: 95_000n });
    expect(await post(fixture, channel, 15_000)).toEqual([150_000n]);
    // The one between changed no amount, so the books hear nothing of it.
    expect(fixture.log.entries()).toMatchObject([
      { kind: 'voucher', cumulativeUnits: 95_000n },
      { kind: 'tick', cumulativeUnits: 150_000n },
    ]);
    expect(fixture.table.held).toBe(0);
  });

  it('opens the way also where no tick in reach pays anything, as after a restart', async () => {
    const fixture = new Fixture();
    const channel = fixture.open({ acceptedUnits: 105_000n });
    expect(await post(fixture, channel, 15_000)).toEqual(['TICK_OUT_OF_RANGE']);
    expect(await post(fixture, channel, 10_000)).toEqual(['SUPERSEDED']);
    expect(await post(fixture, channel, 15_000)).toEqual([150_000n]);
  });

  it('is checked when it is overtaken while it waits for its flush', async () => {
    const fixture = new Fixture();
    const channel = fixture.open();
    const { open, writing } = fixture.hold();
    const other = fixture.results({ vouchers: [fixture.voucher(fixture.open(), 1n)] });
    await writing;
    const tick = post(fixture, channel, 10_000);
    const row = fixture.table.find(channel.facts.id);
    fixture.table.raise(row, 105_000n);
    open();
    expect([await other, await tick]).toEqual([[1n], ['SUPERSEDED']]);
    expect(fixture.table.tickIndex(row)).toBe(10_000);
  });

  it('does not stand in the way of a payment in the same flush', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    const vouchers = [fixture.voucher(channel, 106_000n)];
    const ticks = [10_000, 9_000].map((index) => tickOf(channel, index));
    const results = await fixture.results({ vouchers, ticks });
    expect(results).toEqual([106_000n, 'SUPERSEDED', 'SUPERSEDED']);
    expect(await post(fixture, channel, 20_000)).toEqual([200_000n]);
  });

  it('is not believed without its proof, and a forged one is paid for', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    const lie = { ticks: [forged(channel, 10_000)] };
    expect(await fixture.results(lie, 'bad:1')).toEqual(['SUPERSEDED']);
    await expect(fixture.results(lie, 'bad:1')).rejects.toThrow('OVERLOADED');
    expect(await post(fixture, channel, 15_000, 'good:1')).toEqual(['TICK_OUT_OF_RANGE']);
    const row = fixture.table.find(channel.facts.id);
    expect([fixture.table.tickIndex(row), fixture.table.acceptedUnits(row)]).toEqual([0, 105_000n]);
  });

  it('is found among forged ones of others', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    const lies = [10_000, 9_999, 9_998].map((index) =>
      fixture.results({ ticks: [forged(channel, index)] }, `host${index}:1`),
    );
    const good = post(fixture, channel, 9_000, 'good:1');
    expect((await Promise.all([...lies, good])).flat()).toEqual(new Array(4).fill('SUPERSEDED'));
    expect(await post(fixture, channel, 19_000, 'good:1')).toEqual([190_000n]);
  });

  it('costs one check for a batch of them, and nothing when it is sent again', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    const before = fixture.verifier.verified;
    const ticks = Array.from({ length: 300 }, (_, at) => tickOf(channel, 5_000 + at));
    for (const _ of [1, 2]) {
      expect(new Set(await fixture.results({ ticks }))).toEqual(new Set(['SUPERSEDED']));
      expect(fixture.verifier.verified).toBe(before + 1);
    }
  });

  it('is not checked when its chain is paid to the end', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 20_000);
    fixture.books.hold(channel);
    const before = fixture.verifier.verified;
    expect(await post(fixture, channel, 9_000)).toEqual(['SUPERSEDED']);
    expect(fixture.verifier.verified).toBe(before);
  });
});

describe('while a tick that vouchers have overtaken is checked', () => {
  /** Posts one, does something when its check has ended, and returns its outcome and the row's tick. */
  async function during(
    act: (fixture: Fixture, channel: TestChannel) => void,
  ): Promise<readonly [Outcome | undefined, number]> {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    const verify = fixture.verifier.verify.bind(fixture.verifier);
    fixture.verifier.verify = async (batch) => {
      const results = await verify(batch);
      act(fixture, channel);
      return results;
    };
    const [outcome] = await fixture.post({ ticks: [tickOf(channel, 10_000)] });
    expect(fixture.table.held).toBe(0);
    return [outcome, fixture.table.tickIndex(fixture.table.find(channel.facts.id))];
  }

  it('its channel may close', async () => {
    const closing = { state: 'closing', closesAtMs: 0n } as const;
    const [outcome] = await during(({ directory }, { facts }) =>
      directory.hear({ ...facts, ...closing }),
    );
    expect(outcome).toMatchObject({ reason: 'CHANNEL_CLOSED' });
  });

  it('marks may stay away', async () => {
    const [outcome] = await during(({ clock }) => clock.advanceMs(2_001n));
    expect(outcome).toMatchObject({ reason: 'UNAVAILABLE' });
  });

  it('its chain may be replaced: it is no foothold of the next one', async () => {
    const [outcome, tickIndex] = await during(({ table }, { facts }) => {
      const commitment = { ...facts.commitment!, tickValueUnits: 1n, baseUnits: 105_000n };
      table.learn({ ...facts, commitment });
    });
    expect(outcome).toMatchObject({ reason: 'SUPERSEDED' });
    expect(tickIndex).toBe(0);
  });

  it('the verifier may go away: it is put off', async () => {
    const fixture = new Fixture();
    const channel = await overtaken(fixture, 10_500);
    fixture.verifier.failure = new VerifierUnavailableError('a thread died');
    expect(await post(fixture, channel, 10_000)).toEqual(['UNAVAILABLE']);
    fixture.verifier.failure = undefined;
    expect(await post(fixture, channel, 10_000)).toEqual(['SUPERSEDED']);
    expect(await post(fixture, channel, 15_000)).toEqual([150_000n]);
  });
});

it('a voucher of a stranger does not make a tick a foothold', async () => {
  const fixture = new Fixture();
  const channel = fixture.open();
  const vouchers = [fixture.voucher(channel, 105_000n, newKeys())];
  expect(await fixture.results({ vouchers }, 'bad:1')).toEqual(['BAD_SIGNATURE']);
  expect(await post(fixture, channel, 10_000)).toEqual([100_000n]);
});
