import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '#libs/database';
import { BenchStack } from './bench-stack.js';
import { measurePostgresLimits } from './measure/naive.repository.js';
import { measureRawLimits } from './measure/raw-limits.js';
import type { BenchOptions } from './options.js';
import { describePlan, planFor } from './plans.js';
import type { Progress } from './progress.js';
import { conditions } from './report/conditions.js';
import type { BenchResult } from './report/summary.js';
import { oneLine } from './report/table.js';
import { type BenchContext, type RunResult, runWorkload } from './workload-run.js';
import { WORKLOAD, type WorkloadName } from './workloads.js';

/** Folders of a run, and who wants to end it early. */
export type Surroundings = {
  readonly root: string;
  readonly dataDir: string;
  readonly corpusRoot: string;
  /** Ack logs and results of this run. */
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

const RAW_SECONDS = 3;
const POSTGRES_SECONDS = 8;
const CONNECTIONS = 4;

/** Starts a stack, lends it out, and stops it whatever happens. */
export async function withBenchStack<T>(
  around: Surroundings,
  work: (context: BenchContext) => Promise<T>,
): Promise<T> {
  const { progress, corpusRoot, folder } = around;
  progress.say('starting Postgres, Kafka, balance and ingest');
  const stack = await BenchStack.start(around.dataDir, around.signal);
  const database = new Database({
    url: stack.databaseUrl,
    applicationName: 'bench',
    connectionsMax: CONNECTIONS,
  });
  try {
    progress.say(`servers: ${stack.servers}`);
    return await work({ stack, database, corpusRoot, folder, progress });
  } finally {
    await database.close();
    await stack.stop();
  }
}

/** Measures the machine and every workload asked for. */
export async function bench(
  options: BenchOptions,
  around: Surroundings,
): Promise<{ result: BenchResult; conditions: string[] }> {
  const { progress } = around;
  progress.say('one core alone: verifications and hashes');
  const raw = measureRawLimits(RAW_SECONDS);
  return await withBenchStack(around, async (context) => {
    const told = [...conditions(around.root), `servers: ${context.stack.servers}`];
    progress.say('Postgres alone: upserts, and one transaction for each payment');
    const postgres = await measurePostgresLimits(context.stack.databaseUrl, POSTGRES_SECONDS);
    const runs: Partial<Record<WorkloadName, RunResult>> = {};
    for (const name of options.only) {
      around.signal.throwIfAborted();
      const { channels, choice, seconds, itemsPerSecond } = options;
      const plan = planFor(name, seconds, Date.now(), { channels, choice });
      progress.say(`${name}: ${WORKLOAD[name].meaning}; ${describePlan(plan)}`);
      const { guessPerSecond, windowItems } = WORKLOAD[name];
      const order = { name, plan, guessPerSecond, windowItems, seconds, itemsPerSecond };
      const run = await runWorkload(context, order);
      runs[name] = run;
      progress.say(`${name}: ${oneLine(run)}`);
    }
    const result = { raw, postgres, runs };
    writeFileSync(join(around.folder, 'result.json'), JSON.stringify(result, plain, 2));
    return { result, conditions: told };
  });
}

// Buckets of a histogram and 64-bit numbers have no form of their own in JSON.
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Float64Array) return undefined;
  return typeof value === 'bigint' ? String(value) : value;
}
