import { addressFromBytes, partitionOf, type TickCommitment } from '#libs/domain';
import type { ChannelFacts } from '../src/domain/channel.js';
import { ChannelTable } from '../src/domain/channel-table.js';

export const PARTITIONS = 8;

/** Random numbers below a bound. Random tests must fail again in the same way when they are run again. */
export function dice(seed: number) {
  let state = seed;
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

export const bytesOf = (length: number, roll: (sides: number) => number) =>
  Uint8Array.from({ length }, () => roll(256));

export function factsOf(seed: number, change: Partial<ChannelFacts> = {}): ChannelFacts {
  const roll = dice(seed);
  const id = bytesOf(32, roll);
  return {
    id,
    channelNo: BigInt(seed) + 2n ** 40n,
    partition: partitionOf(id, PARTITIONS),
    signerKey: Uint8Array.of(4, ...bytesOf(64, dice(seed % 7))),
    payee: addressFromBytes(bytesOf(20, dice(seed % 5))),
    depositUnits: 10n ** 15n,
    commitment: undefined,
    state: 'open',
    closesAtMs: 0n,
    acceptedUnits: 0n,
    tickIndex: 0n,
    tickPreimage: new Uint8Array(0),
    ...change,
  };
}

export function chainOf(baseUnits: bigint, seed: number): TickCommitment {
  return { chainEnd: bytesOf(32, dice(seed)), tickValueUnits: 3n, ticksMax: 1_000n, baseUnits };
}

export function paidTo(commitment: TickCommitment, index: number): Partial<ChannelFacts> {
  return { commitment, tickIndex: BigInt(index), tickPreimage: new Uint8Array(32).fill(index) };
}

export const tableOf = (rowsMax = 64) => new ChannelTable({ partitions: PARTITIONS, rowsMax });
