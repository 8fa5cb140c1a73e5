import { parentPort, workerData } from 'node:worker_threads';
import { ProofChecker } from './proof-checker.js';
import type { SharedProofs } from './proof-layout.js';
import { stepBack } from './thread-priority.js';
import type { FromWorker, WorkerStart } from './worker-messages.js';

// A thread of WorkerPoolVerifier. Whatever goes wrong here ends the thread, and the pool fails what was
// under way: nothing is answered on a guess.
const port = parentPort;
if (port === null) throw new Error('verify.worker runs as a worker thread only');

// The event loop, the log and the books go first: everybody waits for them.
stepBack();

const checker = await ProofChecker.create((workerData as WorkerStart).domain);
port.on('message', (proofs: SharedProofs) => {
  const job = checker.check(proofs);
  if (job !== undefined) tell({ kind: 'done', job });
});
tell({ kind: 'ready' });

function tell(message: FromWorker): void {
  port?.postMessage(message);
}
