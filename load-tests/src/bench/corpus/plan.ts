import { createHash } from 'node:crypto';
import type { SigningDomain } from '#libs/domain';

/** How the channels of a frame are chosen. */
export type Choice = 'round-robin' | 'uniform' | 'zipf';

/** Everything that decides the bytes of a corpus: equal plans give equal bytes. */
export type CorpusPlan = {
  readonly domain: SigningDomain;
  /** All keys, salts and draws come from it. */
  readonly seed: string;
  readonly proof: 'voucher' | 'tick' | 'bundle';
  readonly choice: Choice;
  readonly channels: number;
  /** Channels that are drawn together and, in a bundle, share a signature. */
  readonly groupChannels: number;
  /** Consecutive payments of a channel in one frame. */
  readonly run: number;
  /** Payments of one frame. */
  readonly batchItems: number;
  readonly payers: number;
  readonly payees: number;
  /** gRPC streams; each has frames and channels of its own. */
  readonly streams: number;
  /** The channels lie in the first so many partitions of the voucher log. */
  readonly partitions: number;
  /** Frames that a stream can have at most: hash chains are made for so many. */
  readonly framesMax: number;
  readonly validUntilMs: bigint;
};

/** Partitions of the voucher log in every stack that is measured. */
export const LOG_PARTITIONS = 8;

/** What each channel locks: more than any run pays. */
export const DEPOSIT_UNITS = 1_000_000_000n;

const DAY_MS = 86_400_000n;
const VALIDITY_STEP_MS = 90n * DAY_MS;

/** Until when the payments of a corpus count: 180 to 270 days, so that a corpus serves for months. */
export function validityFor(nowMs: number): bigint {
  return (BigInt(Math.floor(nowMs)) / VALIDITY_STEP_MS + 3n) * VALIDITY_STEP_MS;
}

/** Name of the folder of a corpus: for people its kind, for the rest a digest of the whole plan. */
export function corpusName(plan: CorpusPlan): string {
  const text = JSON.stringify(plan, (_key, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${plan.proof}-${plan.channels}-${digest}`;
}

/** Throws a RangeError with the rule that a plan breaks. */
export function assertPlan(plan: CorpusPlan): void {
  const { channels, groupChannels, streams, batchItems, run, partitions, proof } = plan;
  const rules: [boolean, string][] = [
    [
      channels % (groupChannels * streams) === 0,
      'every stream has the same number of whole groups',
    ],
    [batchItems % (groupChannels * run) === 0, 'a frame holds whole runs of whole groups'],
    [groupsPerFrame(plan) <= groupsOfStream(plan), 'a stream has enough channels for one frame'],
    [partitions >= 1 && partitions <= LOG_PARTITIONS, `partitions are 1 to ${LOG_PARTITIONS}`],
    [proof === 'bundle' || groupChannels === 1, 'only bundles have groups of several channels'],
    [proof !== 'bundle' || run === 1, 'a bundle pays each channel once'],
  ];
  for (const [holds, rule] of rules) if (!holds) throw new RangeError(`corpus: ${rule}`);
}

/** Groups that a stream pays. */
export function groupsOfStream({ channels, groupChannels, streams }: CorpusPlan): number {
  return channels / groupChannels / streams;
}

/** Channels that a stream pays; their handles are 0 to this number − 1. */
export function channelsOfStream({ channels, streams }: CorpusPlan): number {
  return channels / streams;
}

/** Groups that a frame pays. */
export function groupsPerFrame({ batchItems, groupChannels, run }: CorpusPlan): number {
  return batchItems / groupChannels / run;
}

/** Number of a channel in the whole corpus, from its stream and its handle there. */
export function channelAt(plan: CorpusPlan, stream: number, handle: number): number {
  const { groupChannels, streams } = plan;
  const local = Math.floor(handle / groupChannels);
  return (local * streams + stream) * groupChannels + (handle % groupChannels);
}
