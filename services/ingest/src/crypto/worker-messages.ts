import type { SigningDomain } from '#libs/domain';

/** What a worker starts with. Afterwards it gets SharedProofs, each to several workers. */
export type WorkerStart = { readonly domain: SigningDomain };

/** `done` comes once per job, from the worker that checked its last open chunk. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly job: number };
