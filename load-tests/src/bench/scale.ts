import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Surroundings, withBenchStack } from './bench.js';
import type { Growth } from './growths.js';
import type { PlanParts } from './plans.js';
import { planFor } from './plans.js';
import { oneLine } from './report/table.js';
import { SeedRepository } from './seeding/seed.repository.js';
import { type BenchContext, type RunResult, runWorkload } from './workload-run.js';
import { WORKLOAD } from './workloads.js';

/** A measurement at one size. */
export type Point = { readonly size: number; readonly run: RunResult };

/** All curves, and how long balance takes to come back to the longest journal. */
export type ScaleResult = {
  readonly curves: Readonly<Partial<Record<Growth, readonly Point[]>>>;
  /** Only with the journal's curve. */
  readonly restartSeconds: number | undefined;
  readonly servers: string;
};

const JOURNAL_CHUNK = 1_000_000;
/** Channels of the curves in which something else grows. */
const SOME_CHANNELS = 20_000;

/** Measures unique vouchers while one thing grows at a time, each curve on a stack of its own. */
export async function measureScale(
  growths: readonly Growth[],
  seconds: number,
  around: Surroundings,
): Promise<ScaleResult> {
  const curves: Partial<Record<Growth, readonly Point[]>> = {};
  let servers = '';
  let restartSeconds: number | undefined;
  for (const growth of growths) {
    await withBenchStack(around, async (context) => {
      servers = context.stack.servers;
      const points: Point[] = [];
      for (const [turn, size] of TURNS[growth].entries()) {
        around.signal.throwIfAborted();
        around.progress.say(`${growth}: ${size}`);
        const parts = await PREPARE[growth](context, size);
        const seed = `${growth} ${size} ${turn}`;
        const run = await uniqueRun(context, seed, seconds, parts);
        around.progress.say(`${growth}: ${size}: ${oneLine(run)}`);
        points.push({ size, run });
      }
      curves[growth] = points;
      if (growth === 'journal') restartSeconds = await context.stack.restartBalance();
    });
  }
  return { curves, restartSeconds, servers };
}

/** Sizes in the order they are measured. Channels go up and down again, so that a machine that changes its speed is seen. */
const TURNS: Readonly<Record<Growth, readonly number[]>> = {
  replicas: [1, 2],
  partitions: [1, 2, 4, 8],
  channels: [1_000, 10_000, 100_000, 1_000_000, 1_000_000, 100_000, 10_000, 1_000],
  journal: [100_000, 1_000_000, 10_000_000],
};

/** Brings a stack to a size, and says how the corpus is to look then. */
const PREPARE: Readonly<
  Record<Growth, (context: BenchContext, size: number) => Promise<PlanParts>>
> = {
  replicas: async ({ stack }, size) => {
    if (size > stack.ingestGrpc.length) await stack.addIngest();
    return { channels: SOME_CHANNELS };
  },
  partitions: async (_context, size) => ({ channels: SOME_CHANNELS, partitions: size }),
  channels: async (_context, size) => ({ channels: size }),
  journal: async (context, size) => {
    await lengthenJournalTo(context, size);
    return { channels: SOME_CHANNELS };
  },
};

// Each point has accounts and channels of its own: a seed that no other point of the stack used.
async function uniqueRun(
  context: BenchContext,
  seed: string,
  seconds: number,
  parts: PlanParts,
): Promise<RunResult> {
  const plan = { ...planFor('unique', seconds, Date.now(), parts), seed };
  const { guessPerSecond, windowItems } = WORKLOAD.unique;
  const name = join('scale', seed.replaceAll(' ', '-'));
  return await runWorkload(context, {
    name,
    plan,
    guessPerSecond,
    windowItems,
    seconds,
    itemsPerSecond: undefined,
  });
}

async function lengthenJournalTo(context: BenchContext, rows: number): Promise<void> {
  const { database, progress } = context;
  const seeding = new SeedRepository(database);
  // The first point's own accounts do not exist yet; two of nobody's take the postings.
  await seeding.ensureFillers(BigInt(Date.now()));
  let missing = rows - (await seeding.journalRows());
  if (missing <= 0) return;
  const bar = progress.bar('journal rows', missing);
  while (missing > 0) {
    const some = Math.min(missing, JOURNAL_CHUNK);
    await seeding.lengthenJournal(some, BigInt(Date.now()));
    bar.advance(some);
    missing -= some;
  }
  while ((await seeding.unsealed()) > 0) await sleep(100);
  await seeding.settle();
  bar.done();
}
