import { BENCH_DOMAIN } from './bench-stack.js';
import { type CorpusPlan, channelsOfStream, groupsPerFrame, validityFor } from './corpus/plan.js';
import { WORKLOAD, type Workload, type WorkloadName } from './workloads.js';

/** Two streams: enough to keep ingest busy while one of them waits, and one for each of two replicas. */
const STREAMS = 2;
/** Payments that a corpus can have, in seconds at the guessed rate: warm-up, and more for each minute. */
const WARM_SECONDS = 20;
const SECONDS_PER_MINUTE = 100;

/** What may differ from a workload's own numbers. */
export type PlanParts = {
  readonly channels?: number | undefined;
  readonly choice?: CorpusPlan['choice'] | undefined;
  readonly partitions?: number | undefined;
};

/** The corpus of a workload for measurements of so many seconds. */
export function planFor(
  name: WorkloadName,
  seconds: number,
  nowMs: number,
  parts: PlanParts = {},
): CorpusPlan {
  const workload = WORKLOAD[name];
  const { proof, groupChannels, run, batchItems, payees, guessPerSecond } = workload;
  // Whole minutes, so that runs of different lengths share their files.
  const minutes = Math.ceil(seconds / 60);
  const items = guessPerSecond * (WARM_SECONDS + SECONDS_PER_MINUTE * minutes);
  const plan: CorpusPlan = {
    domain: BENCH_DOMAIN,
    seed: name,
    proof,
    choice: workload.choice === 'round-robin' ? workload.choice : (parts.choice ?? workload.choice),
    channels: channelsFor(workload, parts.channels),
    groupChannels,
    run,
    batchItems,
    payers: 1,
    payees,
    streams: STREAMS,
    partitions: parts.partitions ?? 8,
    framesMax: Math.ceil(items / batchItems / STREAMS),
    validUntilMs: validityFor(nowMs),
  };
  const payers = Math.min(workload.payers, plan.channels / groupChannels);
  return { ...plan, payers };
}

// As many channels as asked for, but whole groups on every stream and enough for one frame.
function channelsFor(workload: Workload, wanted = workload.channels): number {
  const { groupChannels, run, batchItems } = workload;
  const step = groupChannels * STREAMS;
  const least = (batchItems / run) * STREAMS;
  return Math.ceil(Math.max(wanted, least) / step) * step;
}

/** A line about a plan, for people. */
export function describePlan(plan: CorpusPlan): string {
  const { proof, choice, channels, batchItems, run, groupChannels, partitions } = plan;
  return [
    `${channels} channels (${choice})`,
    `${batchItems} ${proof === 'bundle' ? 'entries' : `${proof}s`} a frame`,
    ...(run > 1 ? [`${run} in a row`] : []),
    ...(groupChannels > 1 ? [`${groupChannels} a signature`] : []),
    `${groupsPerFrame(plan) * groupChannels} of a stream's ${channelsOfStream(plan)} channels in a frame`,
    `${partitions} partitions`,
  ].join(', ');
}
