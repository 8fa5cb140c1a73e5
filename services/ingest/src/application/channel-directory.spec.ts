import { describe, expect, it } from 'vitest';
import { newChannel, PARTITIONS } from '../../test/factory.js';
import { ChannelDirectory, channelKey } from './channel-directory.js';

const NOW_MS = 1_000_000n;

describe('ChannelDirectory', () => {
  it('takes the maximum of what the books tell and what it knows', () => {
    const directory = new ChannelDirectory(PARTITIONS);
    const { facts } = newChannel({ acceptedUnits: 10n });
    const channel = directory.learn(facts);
    directory.learn({
      ...facts,
      acceptedUnits: 30n,
      tickIndex: 3n,
      tickPreimage: Buffer.alloc(32),
    });
    directory.learn({ ...facts, acceptedUnits: 20n, tickIndex: 2n });
    expect(channel).toMatchObject({ acceptedUnits: 30n, tickIndex: 3n });
    expect(channel?.tickPreimage).toEqual(new Uint8Array(32));
  });

  it('never reopens a channel, however late the older news arrives', () => {
    const directory = new ChannelDirectory(PARTITIONS);
    const { facts } = newChannel();
    const closing = { ...facts, state: 'closing' as const, closesAtMs: 500n };
    const channel = directory.learn(closing);
    directory.learn(facts);
    directory.learn({ ...closing, closesAtMs: 900n });
    expect(channel).toMatchObject({ state: 'closing', closesAtMs: 500n });
    directory.learn({ ...closing, closesAtMs: 100n });
    expect(channel).toMatchObject({ closesAtMs: 100n });
    expect(directory.learn({ ...facts, state: 'closed' })).toBeUndefined();
    expect(channel?.state).toBe('closed');
    expect(directory.learn(facts)).toBeUndefined();
    expect(directory.get(channelKey(facts.id))).toBeUndefined();
    expect(directory.isClosed(channelKey(facts.id))).toBe(true);
    expect(directory.size).toBe(0);
  });

  it('stops claims in flight on a channel that it lets go', () => {
    const directory = new ChannelDirectory(PARTITIONS);
    const { facts } = newChannel();
    const channel = directory.learn(facts);
    directory.forget(channelKey(facts.id));
    expect(channel?.state).toBe('closed');
    expect(directory.learn(facts)).toMatchObject({ state: 'open' });
  });

  it('is ready when every partition has a fresh mark, and names the one that has not', () => {
    const directory = new ChannelDirectory(2);
    expect(() => directory.assertFresh(NOW_MS)).toThrow(
      'partition 0 of the channels topic has none',
    );
    expect(directory.ageMs(NOW_MS)).toBeUndefined();
    directory.mark(0, NOW_MS);
    directory.mark(1, NOW_MS - 2_000n);
    directory.mark(1, NOW_MS - 5_000n);
    expect(directory.ageMs(NOW_MS)).toBe(2_000n);
    expect(() => directory.assertFresh(NOW_MS)).not.toThrow();
    expect(() => directory.assertFresh(NOW_MS + 1n)).toThrow(
      'partition 1 of the channels topic is 2001 ms',
    );
    expect(directory.isFresh(7, NOW_MS)).toBe(false);
  });
});
