import { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ChannelState, ChannelsRecord } from '#libs/contracts';
import { newChannel, PARTITIONS, type TestChannel } from '../../test/factory.js';
import { viewOf } from '../../test/wire.js';
import { ChannelDirectory, channelKey } from '../application/channel-directory.js';
import { ChannelsConsumer } from './channels.consumer.js';

const NOW_MS = 1_000_000n;

function setUp() {
  const directory = new ChannelDirectory(PARTITIONS);
  const kafka = new Kafka({ brokers: ['unused:1'] });
  const consumer = new ChannelsConsumer(kafka, directory, pino({ level: 'silent' }));
  const apply = (partition: number, value: Buffer | null, key: Uint8Array | null = null) =>
    consumer.apply(partition, {
      offset: 0n,
      key: key === null ? null : Buffer.from(key),
      value,
      timestampMs: 0,
    });
  return { directory, apply, consumer };
}

function record({ facts }: TestChannel, change: Partial<ReturnType<typeof viewOf>> = {}): Buffer {
  const value = { ...viewOf(facts), ...change };
  return Buffer.from(ChannelsRecord.encode({ record: { $case: 'channel', value } }).finish());
}

describe('ChannelsConsumer', () => {
  it('learns channels and marks', () => {
    const { directory, apply } = setUp();
    const channel = newChannel({ acceptedUnits: 5n, tickIndex: 1n });
    const { partition, id } = channel.facts;
    apply(partition, record(channel));
    expect(directory.get(channelKey(id))).toMatchObject({ acceptedUnits: 5n, tickIndex: 1n });
    const mark = ChannelsRecord.encode({ record: { $case: 'markMs', value: NOW_MS } }).finish();
    apply(partition, Buffer.from(mark));
    expect(directory.isFresh(partition, NOW_MS)).toBe(true);
  });

  it('starts the hash chain at its end while no tick is paid', () => {
    const { directory, apply } = setUp();
    const channel = newChannel();
    apply(channel.facts.partition, record(channel, { tickPreimage: Buffer.alloc(0) }));
    const known = directory.get(channelKey(channel.facts.id));
    expect(known?.tickPreimage).toEqual(Uint8Array.from(channel.chain[0]!));
  });

  it.each([
    ['bytes that are no record', () => Buffer.from([255, 255])],
    ['a tombstone', () => null],
    ['an empty record', () => Buffer.alloc(0)],
    ['an unknown state', (c: TestChannel) => record(c, { state: ChannelState.UNSPECIFIED })],
    ['a short id', (c: TestChannel) => record(c, { channelId: Buffer.alloc(31) })],
    ['a compressed key', (c: TestChannel) => record(c, { payerPublicKey: Buffer.alloc(33, 2) })],
    ['no such partition', (c: TestChannel) => record(c, { partition: PARTITIONS })],
    [
      'another partition',
      (c: TestChannel) => record(c, { partition: (c.facts.partition + 1) % PARTITIONS }),
    ],
  ])('lets the channel go at %s: it may have been its closing', (_what, value) => {
    const { directory, apply } = setUp();
    const channel = newChannel();
    const held = directory.learn(channel.facts);
    apply(channel.facts.partition, value(channel), channel.facts.id);
    expect(held?.state).toBe('closed');
    expect(directory.get(channelKey(channel.facts.id))).toBeUndefined();
  });

  it('is not ready before it reads', () => {
    expect(() => setUp().consumer.assertReading()).toThrow('Kafka has not answered yet');
  });
});
