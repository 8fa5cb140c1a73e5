import { parentPort, workerData } from 'node:worker_threads';
import { ProofChecker } from '../src/crypto/proof-checker.js';
import { CONTROL, PROOF, type SharedProofs } from '../src/crypto/proof-layout.js';

// A verify worker that dies in the middle of a batch whose first proof is malformed: by an exception
// when the second is too, else by leaving. All other batches it checks.
const checker = await ProofChecker.create(workerData.domain);
parentPort?.on('message', (proofs: SharedProofs) => {
  const isDeadly = proofs.bytes[0] === PROOF.malformed;
  if (isDeadly && Atomics.sub(proofs.control, CONTROL.left, 1) > 0) {
    if (proofs.bytes[1] === PROOF.malformed) throw new Error('as the test wants it');
    process.exit(3);
  }
  const job = checker.check(proofs);
  if (job !== undefined) parentPort?.postMessage({ kind: 'done', job });
});
parentPort?.postMessage({ kind: 'ready' });
