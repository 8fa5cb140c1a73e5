import { parentPort, workerData } from 'node:worker_threads';
import { CorpusFolder } from './corpus-folder.js';
import type { CorpusPlan } from './plan.js';
import { makeStream } from './stream-maker.js';

/** What a thread is told to make. */
export type WorkOrder = {
  readonly root: string;
  readonly plan: CorpusPlan;
  readonly stream: number;
  readonly frames: number;
};

const { root, plan, stream, frames } = workerData as WorkOrder;
await makeStream(new CorpusFolder(root, plan), stream, frames, (done) =>
  parentPort?.postMessage(done),
);
