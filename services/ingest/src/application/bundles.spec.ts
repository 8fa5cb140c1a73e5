import { describe, expect, it } from 'vitest';
import { decodeLogRecord, type LogBlock } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { newKeys, type TestChannel } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';

const pay = (channels: readonly TestChannel[], units: bigint) =>
  channels.map((channel) => [channel, units] as const);

describe('a bundle', () => {
  it('pays all its channels by one check and one block of the log', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(32);
    const bundle = fixture.bundle(pay(channels, 5n));
    expect(await fixture.results({ bundles: [bundle] })).toEqual(new Array(32).fill(5n));
    expect(fixture.verifier.verified).toBe(1);
    const [block, ...rest] = fixture.log.entries();
    expect(rest).toEqual([]);
    expect(block).toMatchObject({
      kind: 'bundle',
      validUntilMs: bundle.validUntilMs,
      signature: bundle.signature,
      entries: channels.map(({ facts }) => ({
        channelNo: facts.channelNo,
        cumulativeUnits: 5n,
        accepted: true,
      })),
    });
    expect(fixture.meter.acceptedCount.bundle).toBe(32);
  });

  it('refuses entries one by one, and keeps them listed for the root', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(4);
    await fixture.results({ vouchers: [fixture.voucher(channels[1]!, 9n)] });
    fixture.directory.hear({ ...channels[2]!.facts, state: 'closed' });
    const payments = [
      [channels[0]!, 5n],
      [channels[1]!, 9n],
      [channels[2]!, 5n],
      [channels[3]!, 1_000_001n],
    ] as const;
    expect(await fixture.results({ bundles: [fixture.bundle(payments)] })).toEqual([
      5n,
      'SUPERSEDED',
      'CHANNEL_CLOSED',
      'ABOVE_DEPOSIT',
    ]);
    const block = fixture.log.entries().at(-1) as Extract<LogBlock, { kind: 'bundle' }>;
    expect(block.entries.map(({ accepted }) => accepted)).toEqual([true, false, false, false]);
  });

  it('wins where it is the highest, and is answered by what is higher', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(3);
    const bundles = [fixture.bundle(pay(channels, 5n)), fixture.bundle(pay(channels, 4n))];
    const vouchers = [fixture.voucher(channels[0]!, 8n)];
    expect(await fixture.results({ vouchers, bundles })).toEqual([8n, 8n, 5n, 5n, 8n, 5n, 5n]);
    // The lower bundle was not looked at: one check for the voucher, one for the higher bundle.
    expect(fixture.verifier.verified).toBe(2);
  });

  it('costs its sender one failed check, however many channels it names', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(LIMITS.bundleEntriesMax);
    const stranger = newKeys();
    const bad = Array.from({ length: 4 }, (_, at) =>
      fixture.bundle(pay(channels, BigInt(at + 1)), stranger),
    );
    const outcomes = await fixture.results({ bundles: bad }, 'bad:1');
    expect(new Set(outcomes)).toEqual(new Set(['BAD_SIGNATURE', 'OVERLOADED']));
    const good = [fixture.bundle(pay(channels, 1n))];
    expect(new Set(await fixture.results({ bundles: good }, 'bad:1'))).toEqual(new Set([1n]));
  });

  it('shares the fate of its write', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(3);
    fixture.log.failure = new Error('no leader');
    const bundles = [fixture.bundle(pay(channels, 5n))];
    expect(await fixture.results({ bundles })).toEqual(new Array(3).fill('OUTCOME_UNKNOWN'));
    fixture.log.failure = undefined;
    expect(await fixture.results({ bundles })).toEqual([5n, 5n, 5n]);
    expect(await fixture.results({ bundles })).toEqual(new Array(3).fill('SUPERSEDED'));
  });

  it('joins its own pending write when it is sent again', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(3);
    const { open, writing } = fixture.hold();
    const bundles = [fixture.bundle(pay(channels, 5n))];
    const first = fixture.post({ bundles });
    await writing;
    const again = fixture.post({ bundles });
    await new Promise((resolve) => setTimeout(resolve, 30));
    open();
    expect(await again).toEqual(await first);
    expect(fixture.log.entries()).toHaveLength(1);
  });

  it('stays whole when a flush has no room for it', async () => {
    const fixture = new Fixture();
    const { open, writing } = fixture.hold();
    const first = fixture.results({ vouchers: [fixture.voucher(fixture.open(), 1n)] });
    await writing;
    const channels = fixture.openTogether(200);
    // All but a hundred of a flush's claims: the bundle would fit in part.
    const crowd = [LIMITS.batchItemsMax, LIMITS.batchItemsMax - 100].map((count) =>
      new Array(count).fill(fixture.voucher(fixture.open(), 1n)),
    );
    const waiting = crowd.map((vouchers) => fixture.results({ vouchers }));
    const bundles = [fixture.bundle(pay(channels, 5n))];
    const bundled = fixture.results({ bundles });
    open();
    expect(await first).toEqual([1n]);
    await Promise.all(waiting);
    expect(await bundled).toEqual(new Array(200).fill(5n));
    const kinds = fixture.log.written.map((records) =>
      [...records.values()].flatMap(decodeLogRecord).map(({ kind }) => kind),
    );
    expect(kinds).toEqual([['voucher'], ['voucher', 'voucher'], ['bundle']]);
  });
});

describe('a bundle as a whole', () => {
  it.each([
    ['amount', 'MALFORMED', /entry 0: cumulative_units/, { units: 0n }],
    ['validity', 'MALFORMED', /too far ahead/, { validUntilMs: 10n ** 18n }],
    ['no validity', 'MALFORMED', /above 0/, { validUntilMs: 0n }],
    ['signature', 'MALFORMED', /64 bytes/, { signature: Buffer.alloc(63) }],
    ['expiry', 'EXPIRED', /over/, { validUntilMs: 1n }],
  ])('is refused for its %s', async (_what, reason, detail, change) => {
    const fixture = new Fixture();
    const { units = 5n, ...rest } = change as { units?: bigint };
    const bundle = { ...fixture.bundle(pay(fixture.openTogether(2), units)), ...rest };
    const outcomes = await fixture.post({ bundles: [bundle] });
    expect(outcomes).toMatchObject([
      { reason, detail: expect.stringMatching(detail) },
      { reason, detail: expect.stringMatching(detail) },
    ]);
    expect(fixture.verifier.verified).toBe(0);
  });

  it('is refused for a channel of another signer, of another partition, or named twice', async () => {
    const fixture = new Fixture();
    const [one, two] = fixture.openTogether(2);
    const [stranger] = fixture.openTogether(1);
    const far = fixture.open({ signerKey: one!.facts.signerKey, partition: 1 });
    for (const [second, detail] of [
      [stranger, /entry 1 .* another signer/],
      [far, /entry 1 .* another partition/],
      [one, /twice/],
    ] as const) {
      const bundles = [fixture.bundle(pay([one!, second!], 5n))];
      expect(await fixture.post({ bundles })).toMatchObject(
        new Array(2).fill({ reason: 'MALFORMED', detail: expect.stringMatching(detail) }),
      );
    }
    expect(await fixture.results({ bundles: [fixture.bundle(pay([one!, two!], 5n))] })).toEqual([
      5n,
      5n,
    ]);
  });

  it('is refused for a channel that nobody knows, and asks the books for one they know', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(3);
    for (const { facts } of channels) fixture.table.forget(fixture.table.find(facts.id));
    const bundles = [fixture.bundle(pay(channels, 5n))];
    fixture.books.hold(channels[0]!);
    fixture.books.hold(channels[1]!);
    expect(await fixture.post({ bundles })).toMatchObject(
      new Array(3).fill({
        reason: 'CHANNEL_UNKNOWN',
        detail: expect.stringMatching(/^entry 2 of the bundle/),
      }),
    );
    fixture.books.hold(channels[2]!);
    fixture.clock.advanceMs(1_001n);
    fixture.mark();
    expect(await fixture.results({ bundles })).toEqual([5n, 5n, 5n]);
    expect(fixture.table.held).toBe(0);
  });

  it('without entries is nothing, beside payments that are something', async () => {
    const fixture = new Fixture();
    const vouchers = [fixture.voucher(fixture.open(), 5n)];
    const empty = { ...fixture.bundle(pay(fixture.openTogether(1), 5n)), entries: [] };
    expect(await fixture.results({ vouchers, bundles: [empty] })).toEqual([5n]);
  });

  it('is refused beyond its limit, and while news is late', async () => {
    const fixture = new Fixture();
    const channels = fixture.openTogether(2);
    const bundle = fixture.bundle(pay(channels, 5n));
    const long = { ...bundle, entries: new Array(257).fill(bundle.entries[0]) };
    expect(new Set(await fixture.results({ bundles: [long] }))).toEqual(
      new Set(['LIMIT_EXCEEDED']),
    );
    fixture.clock.advanceMs(2_001n);
    expect(await fixture.results({ bundles: [bundle] })).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  });
});
