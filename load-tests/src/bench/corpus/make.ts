import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Progress } from '../progress.js';
import { CorpusFolder } from './corpus-folder.js';
import { assertPlan, type CorpusPlan } from './plan.js';
import { workOf } from './stream-maker.js';
import type { WorkOrder } from './worker.js';

/**
 * The corpus of a plan with at least so many frames a stream (never more than the plan allows). What
 * is on disk is used again; the rest is made by one thread for each stream.
 */
export async function makeCorpus(
  root: string,
  plan: CorpusPlan,
  frames: number,
  progress: Progress,
): Promise<CorpusFolder> {
  assertPlan(plan);
  const folder = new CorpusFolder(root, plan);
  const streams = Array.from({ length: plan.streams }, (_, stream) => stream);
  const work = streams.map((stream) => workOf(folder, stream, frames));
  const total = work.reduce((sum, each) => sum + each, 0);
  if (total === 0) return folder;
  const bar = progress.bar(`corpus ${plan.proof}s`, total);
  const busy = streams.filter((stream) => (work[stream] ?? 0) > 0);
  await Promise.all(busy.map((stream) => runWorker({ root, plan, stream, frames }, bar.advance)));
  bar.done();
  const text = JSON.stringify(
    plan,
    (_key, value) => (typeof value === 'bigint' ? String(value) : value),
    2,
  );
  writeFileSync(join(folder.path, 'plan.json'), `${text}\n`);
  return folder;
}

function runWorker(order: WorkOrder, onProgress: (done: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: order });
    worker.on('message', onProgress);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`the corpus thread ended with code ${code}`)),
    );
  });
}
