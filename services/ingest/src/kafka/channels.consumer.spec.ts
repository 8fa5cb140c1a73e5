import { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ChannelState, ChannelsRecord } from '#libs/contracts';
import { newChannel, PARTITIONS, type TestChannel } from '../../test/factory.js';
import { viewOf } from '../../test/wire.js';
import { ChannelDirectory } from '../application/channel-directory.js';
import { OpenQuestions } from '../application/open-questions.js';
import { CHANNEL, ChannelTable } from '../domain/channel-table.js';
import { ChannelsConsumer } from './channels.consumer.js';

const NOW_MS = 1_000_000;

function setUp() {
  const table = new ChannelTable({ partitions: PARTITIONS, rowsMax: 64 });
  const directory = new ChannelDirectory(table, new OpenQuestions(), {
    nowMs: () => BigInt(NOW_MS),
  });
  const kafka = new Kafka({ brokers: ['unused:1'] });
  const consumer = new ChannelsConsumer(kafka, directory, pino({ level: 'silent' }));
  const apply = (partition: number, value: Buffer | null, key: Buffer | null = null) =>
    consumer.apply(partition, { offset: 0n, key, value, timestampMs: 0 });
  const mark = (partition: number) => {
    const value = ChannelsRecord.encode({ record: { $case: 'markMs', value: BigInt(NOW_MS) } });
    apply(partition, Buffer.from(value.finish()), Buffer.from('mark'));
  };
  return { table, apply, mark, consumer };
}

// As balance writes it: the id and a byte for the state.
const keyOf = ({ facts }: TestChannel) => Buffer.concat([facts.id, Buffer.of(1)]);

function record({ facts }: TestChannel, change: Partial<ReturnType<typeof viewOf>> = {}): Buffer {
  const value = { ...viewOf(facts), ...change };
  return Buffer.from(ChannelsRecord.encode({ record: { $case: 'channel', value } }).finish());
}

describe('ChannelsConsumer', () => {
  it('passes on news of known channels, and marks', () => {
    const { table, apply, mark } = setUp();
    const channel = newChannel({ acceptedUnits: 5n, tickIndex: 1n });
    const { partition } = channel.facts;
    const row = table.learn({ ...channel.facts, acceptedUnits: 0n, tickIndex: 0n });
    apply(partition, record(channel), keyOf(channel));
    expect([table.acceptedUnits(row), table.tickIndex(row)]).toEqual([5n, 1]);
    mark(partition);
    expect(table.isFresh(partition, NOW_MS)).toBe(true);
  });

  it('leaves out, unread, what is said of channels that nobody pays here', () => {
    const { table, apply } = setUp();
    const channel = newChannel();
    apply(channel.facts.partition, Buffer.from([255, 255]), keyOf(channel));
    apply(channel.facts.partition, record(channel), keyOf(channel));
    apply(channel.facts.partition, record(channel));
    expect(table.size).toBe(0);
  });

  it('starts the hash chain at its end while no tick is paid', () => {
    const { table, apply } = setUp();
    const channel = newChannel();
    const row = table.learn({ ...channel.facts, commitment: undefined });
    const { partition } = channel.facts;
    apply(partition, record(channel, { tickPreimage: Buffer.alloc(0) }), keyOf(channel));
    expect(Buffer.from(table.tickPreimage(row))).toEqual(Buffer.from(channel.chain[0]!));
  });

  it.each([
    ['bytes that are no record', () => Buffer.from([255, 255])],
    ['a tombstone', () => null],
    ['an empty record', () => Buffer.alloc(0)],
    ['an unknown state', (c: TestChannel) => record(c, { state: ChannelState.UNSPECIFIED })],
    ['a short id', (c: TestChannel) => record(c, { channelId: Buffer.alloc(31) })],
    ['a compressed key', (c: TestChannel) => record(c, { payerPublicKey: Buffer.alloc(33, 2) })],
    ['no such partition', (c: TestChannel) => record(c, { partition: PARTITIONS })],
    ['no address', (c: TestChannel) => record(c, { payee: `T${'1'.repeat(33)}` })],
    [
      'a short preimage',
      (c: TestChannel) => record(c, { tickIndex: 1n, tickPreimage: Buffer.alloc(3) }),
    ],
    [
      'a short chain end',
      (c: TestChannel) =>
        record(c, { ticks: { ...viewOf(c.facts).ticks!, chainEnd: Buffer.alloc(31) } }),
    ],
    [
      'an endless chain',
      (c: TestChannel) => record(c, { ticks: { ...viewOf(c.facts).ticks!, ticksMax: 2n ** 40n } }),
    ],
    [
      'another partition',
      (c: TestChannel) => record(c, { partition: (c.facts.partition + 1) % PARTITIONS }),
    ],
  ])('lets the channel go at %s: it may have been its closing', (_what, value) => {
    const { table, apply } = setUp();
    const channel = newChannel();
    const row = table.learn(channel.facts);
    table.retain(row);
    apply(channel.facts.partition, value(channel), keyOf(channel));
    expect(table.state(row)).toBe(CHANNEL.stale);
    table.release(row);
    expect(table.find(channel.facts.id)).toBe(-1);
  });

  it('lets a whole partition go when it cannot even tell which channel was meant', () => {
    const { table, apply, mark } = setUp();
    const channel = newChannel();
    const { id, partition } = channel.facts;
    table.learn(channel.facts);
    mark(partition);
    apply((partition + 1) % PARTITIONS, Buffer.from([255, 255]), Buffer.from('garbage'));
    expect(table.find(id)).toBeGreaterThanOrEqual(0);
    apply(partition, Buffer.from([255, 255]), Buffer.from('garbage'));
    expect([table.find(id), table.isFresh(partition, NOW_MS)]).toEqual([-1, false]);
  });

  it('is not ready before it reads', () => {
    expect(() => setUp().consumer.assertReading()).toThrow('Kafka has not answered yet');
  });
});
