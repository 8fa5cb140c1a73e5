import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SigningDomain } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { PackedProofBatch } from './packed.proof-batch.js';
import { type ProofBatch, type ProofVerifier, VerifierUnavailableError } from './proof-verifier.js';
import type { FromWorker, WorkerStart } from './worker-messages.js';

/** What a pool is made of. */
export type PoolOptions = {
  readonly domain: SigningDomain;
  readonly logger: Logger;
  /** Worker threads; by default as many as the machine runs at once. */
  readonly threads?: number;
  /** The worker's file; only tests name another. */
  readonly workerUrl?: URL;
};

type Job = {
  readonly batch: PackedProofBatch;
  readonly resolve: (results: Uint8Array) => void;
  readonly reject: (error: Error) => void;
};

// A thread only dies of a bug or of want of memory, and is replaced at once. After so many deaths within
// the window the next one is given time, lest starting threads becomes all that the process does.
const DEATHS_AT_ONCE = 5;
const DEATH_WINDOW_MS = 60_000;
const PAUSE_MS = 5_000;

// Compiled, the worker stands beside this file; in tests both are TypeScript.
const SOURCE = import.meta.url.endsWith('.ts');
const WORKER_URL = new URL(SOURCE ? 'verify.worker.ts' : 'verify.worker.js', import.meta.url);
const SOURCE_ARGS = [
  '--conditions=source',
  `--import=${new URL('source.loader.ts', import.meta.url).href}`,
];

/**
 * Checks proofs on worker threads that share memory with the event loop: a batch is copied once, workers
 * pull its chunks by an atomic counter, and the one that checks the last chunk says so.
 */
export class WorkerPoolVerifier implements ProofVerifier {
  readonly #options: PoolOptions;
  readonly #workers: Worker[] = [];
  readonly #jobs = new Map<number, Job>();
  readonly #deathsMs: number[] = [];
  #jobNo = 0;
  #turn = 0;
  #closing: Promise<void> | undefined;
  #emptied: (() => void) | undefined;
  #started = false;
  readonly #pauses = new Set<NodeJS.Timeout>();

  /** Resolves when every thread is ready; rejects when one cannot start, as without native libsecp256k1. */
  static async start(options: PoolOptions): Promise<WorkerPoolVerifier> {
    const pool = new WorkerPoolVerifier(options);
    const threads = options.threads ?? availableParallelism();
    try {
      await Promise.all(Array.from({ length: threads }, () => pool.#spawn()));
      pool.#started = true;
    } catch (cause) {
      await pool.close();
      throw new Error('a worker thread for signature checks cannot start', { cause });
    }
    return pool;
  }

  private constructor(options: PoolOptions) {
    this.#options = options;
  }

  batch(): ProofBatch {
    return new PackedProofBatch();
  }

  verify(batch: ProofBatch): Promise<Uint8Array> {
    if (!(batch instanceof PackedProofBatch)) throw new TypeError('not a batch of this verifier');
    if (this.#closing !== undefined) return unavailable('the verifier is closed');
    if (this.#workers.length === 0) return unavailable('no worker thread is left');
    if (batch.size === 0) return Promise.resolve(new Uint8Array(0));
    this.#jobNo = (this.#jobNo + 1) | 0;
    const proofs = batch.share(this.#jobNo);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#jobs.set(this.#jobNo, { batch, resolve, reject });
    for (let n = Math.min(batch.chunks, this.#workers.length); n > 0; n--) {
      this.#workers[this.#turn++ % this.#workers.length]?.postMessage(proofs);
    }
    return promise;
  }

  /** Throws while there is no thread to check anything. */
  assertWorking(): void {
    if (this.#workers.length === 0) throw new Error('no worker thread checks signatures');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const pause of this.#pauses) clearTimeout(pause);
    if (this.#jobs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
  }

  // Resolves when the new thread is ready. It is given work at once: messages wait for it.
  #spawn(): Promise<void> {
    const workerData: WorkerStart = { domain: this.#options.domain };
    const worker = new Worker(this.#options.workerUrl ?? WORKER_URL, {
      workerData,
      name: 'verify',
      execArgv: SOURCE ? SOURCE_ARGS : [],
    });
    this.#workers.push(worker);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let cause: unknown;
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve();
      else this.#finish(message.job);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      reject(cause ?? new Error(`the worker thread ended with code ${code}`));
      this.#bury(worker, cause);
    });
    return promise;
  }

  #finish(jobNo: number): void {
    const job = this.#jobs.get(jobNo);
    if (job === undefined) return;
    this.#jobs.delete(jobNo);
    job.resolve(job.batch.release());
    if (this.#jobs.size === 0) this.#emptied?.();
  }

  // Nobody can tell which chunks the dead thread held, so every batch under way fails as a whole.
  #bury(worker: Worker, cause: unknown): void {
    const at = this.#workers.indexOf(worker);
    if (at < 0) return;
    this.#workers.splice(at, 1);
    for (const { batch, reject } of this.#jobs.values()) {
      batch.abandon();
      reject(new VerifierUnavailableError('a worker thread died', { cause }));
    }
    this.#jobs.clear();
    this.#emptied?.();
    if (this.#started && this.#closing === undefined) this.#replace(cause);
  }

  #replace(cause: unknown): void {
    const { logger } = this.#options;
    const nowMs = performance.now();
    while ((this.#deathsMs[0] ?? nowMs) < nowMs - DEATH_WINDOW_MS) this.#deathsMs.shift();
    this.#deathsMs.push(nowMs);
    const pauseMs = this.#deathsMs.length > DEATHS_AT_ONCE ? PAUSE_MS : 0;
    logger.error({ err: cause, pauseMs }, 'a thread that checks signatures died; it is replaced');
    if (pauseMs === 0) this.#respawn();
    else {
      const pause = setTimeout(() => {
        this.#pauses.delete(pause);
        this.#respawn();
      }, pauseMs);
      this.#pauses.add(pause);
    }
  }

  // A failure to start is a death like any other, and seen to as such.
  #respawn(): void {
    this.#spawn().catch(() => undefined);
  }
}

function unavailable(why: string): Promise<never> {
  return Promise.reject(new VerifierUnavailableError(why));
}
