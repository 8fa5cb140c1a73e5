import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogBlock, LogEntry } from '#libs/contracts';
import { keyPairOf } from '#libs/crypto';
import { partitionOf } from '#libs/domain';
import type { InRecord } from '#libs/kafka';
import { freshDatabase, ledgerDigest, ledgerState, type TestDatabase } from '#libs/testing';
import type { StoredChannel } from '../src/repositories/channel.repository.js';
import { claim, finalize, idOf, ledgerKit, record, value } from './ledger.kit.js';

// The application in sets and the one claim by claim are told the same, in two databases, cut into
// flushes in different ways, and must leave the same state.

const PART = 3;
const CHANNELS = 6;
const DEPOSIT = 100n;

let servers: TestDatabase[];
let kits: ReturnType<typeof ledgerKit>[];

beforeAll(async () => {
  servers = [await freshDatabase(), await freshDatabase()];
  kits = servers.map(({ url }) => ledgerKit(url));
});

afterAll(async () => {
  for (const kit of kits) {
    expect(await kit.use.totals.audit()).toBe('');
    await kit.database.close();
  }
  for (const server of servers) await server.drop();
});

/** The same channels in both ledgers; every second one is closing. */
async function openChannels(): Promise<StoredChannel[]> {
  const [payer, ...payees] = Array.from({ length: 3 }, () => keyPairOf(randomBytes(32)));
  if (payer === undefined) throw new Error('no payer');
  const txid = randomBytes(32);
  for (const kit of kits) {
    for (const keys of [payer, ...payees]) await kit.account(0n, keys);
    value(await kit.deposit(payer.address, DEPOSIT * BigInt(CHANNELS), txid));
  }
  const [first] = kits;
  if (first === undefined) throw new Error('no ledger');
  const channels: StoredChannel[] = [];
  while (channels.length < CHANNELS) {
    const payee = payees[channels.length % payees.length] ?? payer;
    const request = first.openRequest(payer, payee.address, DEPOSIT);
    if (partitionOf(idOf(request), 8) !== PART) continue;
    const opened: StoredChannel[] = [];
    for (const kit of kits) opened.push(value(await kit.use.channels.open(request)));
    expect(opened[0]?.channelNo).toBe(opened[1]?.channelNo);
    if (channels.length % 2 === 1) {
      for (const kit of kits) value(await kit.close(payer, idOf(request) as Buffer));
    }
    channels.push(opened[0] as StoredChannel);
  }
  return channels;
}

const channelIndex = fc.integer({ min: 0, max: CHANNELS });
const units = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: 1n, max: DEPOSIT }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -2n, max: 2n * DEPOSIT }) },
);
const single = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('voucher'), at: channelIndex, units }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tick'), at: channelIndex, units }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finalize'), at: channelIndex, units }) },
);
const block = fc.oneof(
  { weight: 11, arbitrary: single },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('bundle'),
      entries: fc.array(fc.record({ at: channelIndex, units, accepted: fc.boolean() }), {
        minLength: 1,
        maxLength: CHANNELS,
      }),
    }),
  },
);
type Block = typeof block extends fc.Arbitrary<infer B> ? B : never;
/** A record: blocks, a repeat of an earlier record, or bytes that are none. */
const content = fc.oneof(
  { weight: 8, arbitrary: fc.array(block, { minLength: 1, maxLength: 8 }) },
  { weight: 1, arbitrary: fc.nat({ max: 5 }) },
  { weight: 1, arbitrary: fc.constant('poison' as const) },
);
const flushes = fc.array(fc.array(content, { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 4,
});
/** Blocks of one channel each, and another order of theirs in which every channel keeps its own. */
const interleavings = fc
  .array(single, { minLength: 2, maxLength: 30 })
  .chain((blocks) =>
    fc.tuple(
      fc.constant(blocks),
      fc.shuffledSubarray([...blocks.keys()], { minLength: blocks.length }),
    ),
  )
  .map(([blocks, places]) => {
    const turns = places.map((place) => blocks[place]?.at);
    const queues = Map.groupBy(blocks, ({ at }) => at);
    const taken = new Map<number | undefined, number>();
    const other = turns.map((at) => {
      const next = taken.get(at) ?? 0;
      taken.set(at, next + 1);
      return queues.get(at as number)?.[next] as (typeof blocks)[number];
    });
    return { blocks, other };
  });

function blockOf(drawn: Block, channels: readonly StoredChannel[]): LogBlock {
  // One place more than there are channels: a channel that nobody has opened.
  const channelAt = (at: number) =>
    channels[at] ?? ({ ...channels[0], channelNo: 9_999_999n } as StoredChannel);
  if ('entries' in drawn) {
    return {
      kind: 'bundle',
      validUntilMs: 5n,
      signature: randomBytes(64),
      entries: drawn.entries.map((entry) => ({
        channelNo: channelAt(entry.at).channelNo,
        cumulativeUnits: entry.units,
        accepted: entry.accepted,
      })),
    };
  }
  if (drawn.kind === 'finalize') return finalize(channelAt(drawn.at));
  const made: LogEntry = claim(channelAt(drawn.at), drawn.units);
  return drawn.kind === 'tick'
    ? { ...made, kind: 'tick', detail: drawn.units, proof: made.proof.subarray(0, 32) }
    : made;
}

describe('the application in sets', () => {
  it('leaves the state of the plain one, whatever the log holds', async () => {
    await fc.assert(
      fc.asyncProperty(flushes, async (drawn) => {
        const [fast, slow] = kits;
        if (fast === undefined || slow === undefined) throw new Error('two ledgers are needed');
        const channels = await openChannels();
        let offset = await fast.use.vouchers.nextOffset(PART);
        const past: InRecord[] = [];
        for (const flush of drawn) {
          const records = flush.map((each): InRecord => {
            const at = offset++;
            if (each === 'poison')
              return {
                ...record(at, [finalize(channels[0] as StoredChannel)]),
                value: Buffer.from('none'),
              };
            const repeated = typeof each === 'number' ? past[each] : undefined;
            const made = repeated
              ? { ...repeated, offset: at }
              : record(
                  at,
                  typeof each === 'number'
                    ? [claim(channels[0] as StoredChannel, 1n)]
                    : each.map((one) => blockOf(one, channels)),
                );
            past.push(made);
            return made;
          });
          await fast.use.vouchers.apply(PART, records);
          for (const one of records) await slow.plain.apply(PART, [one]);
        }
        const digests = await Promise.all(servers.map(({ url }) => ledgerDigest(url)));
        if (digests[0] === digests[1]) return;
        const [a, b] = await Promise.all(servers.map(({ url }) => ledgerState(url)));
        expect(a).toEqual(b);
        expect.fail('the digests differ and the states do not');
      }),
      { numRuns: Number(process.env.ORACLE_RUNS ?? 30), endOnFailure: true },
    );
  }, 300_000);

  it('leaves the state of the plain one that was told the channels in another order', async () => {
    await fc.assert(
      fc.asyncProperty(interleavings, fc.integer({ min: 1, max: 30 }), async (drawn, cut) => {
        const [fast, slow] = kits;
        if (fast === undefined || slow === undefined) throw new Error('two ledgers are needed');
        const channels = await openChannels();
        const first = await fast.use.vouchers.nextOffset(PART);
        const records = (blocks: typeof drawn.blocks) =>
          blocks.map((one, at) => record(first + BigInt(at), [blockOf(one, channels)]));
        const set = records(drawn.blocks);
        for (let at = 0; at < set.length; at += cut) {
          await fast.use.vouchers.apply(PART, set.slice(at, at + cut));
        }
        for (const one of records(drawn.other)) await slow.plain.apply(PART, [one]);
        const [a, b] = await Promise.all(servers.map(({ url }) => ledgerState(url)));
        expect(withoutPlaces(a)).toEqual(withoutPlaces(b));
      }),
      { numRuns: Number(process.env.ORACLE_RUNS ?? 30), endOnFailure: true },
    );
  }, 300_000);
});

// Where an entry stood in the log is what differs; that it cannot be booked, and why, must not.
function withoutPlaces(state: Record<string, string[]> | undefined) {
  const quarantine = state?.quarantine?.map((line) => {
    const [topic, part, _offset, _line, ...rest] = line.split('|');
    return [topic, part, ...rest].join('|');
  });
  return { ...state, quarantine: quarantine?.sort() };
}
