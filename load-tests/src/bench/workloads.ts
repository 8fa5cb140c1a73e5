import type { CorpusPlan } from './corpus/plan.js';

/** The four kinds of payment that are measured. */
export const WORKLOADS = ['unique', 'compacted', 'ticks', 'bundles'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

/** How the payments of a workload look, apart from their number. */
export type Workload = Pick<
  CorpusPlan,
  'proof' | 'choice' | 'groupChannels' | 'run' | 'batchItems' | 'channels' | 'payers' | 'payees'
> & {
  /** One sentence for the report. */
  readonly meaning: string;
  /** Payments a second that a corpus has room for; hash chains must be as long from the start. */
  readonly guessPerSecond: number;
  /** Payments in flight that keep ingest busy without queueing for longer than it takes to verify them. */
  readonly windowItems: number;
};

/**
 * Channels take turns in `unique`, so a channel comes back only after all others: seconds later, many
 * flushes away. In `compacted` and `ticks` every frame holds runs of eight consecutive payments of
 * distinct channels, drawn by Zipf's law; in `bundles` 32 channels of one payer share one signature.
 */
export const WORKLOAD: Readonly<Record<WorkloadName, Workload>> = {
  unique: {
    meaning: 'every voucher on a channel of its own, each signature verified',
    proof: 'voucher',
    choice: 'round-robin',
    groupChannels: 1,
    run: 1,
    batchItems: 128,
    channels: 102_400,
    payers: 2_048,
    payees: 512,
    guessPerSecond: 25_000,
    windowItems: 4_096,
  },
  compacted: {
    meaning: 'eight consecutive vouchers of a channel in each batch, channels by Zipf',
    proof: 'voucher',
    choice: 'zipf',
    groupChannels: 1,
    run: 8,
    batchItems: 1_024,
    channels: 4_096,
    payers: 1_024,
    payees: 256,
    guessPerSecond: 200_000,
    windowItems: 32_768,
  },
  ticks: {
    meaning:
      'every index sent, eight consecutive ticks of a channel in each batch, channels by Zipf',
    proof: 'tick',
    choice: 'zipf',
    groupChannels: 1,
    run: 8,
    batchItems: 2_048,
    channels: 4_096,
    payers: 1_024,
    payees: 256,
    guessPerSecond: 600_000,
    windowItems: 32_768,
  },
  bundles: {
    meaning: 'one signature over 32 channels of a payer, payers drawn uniformly',
    proof: 'bundle',
    choice: 'uniform',
    groupChannels: 32,
    run: 1,
    batchItems: 1_024,
    channels: 8_192,
    payers: 256,
    payees: 256,
    guessPerSecond: 180_000,
    windowItems: 32_768,
  },
};
