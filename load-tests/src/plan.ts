import type { LoadOptions } from './options.js';

/** What the k6 script reads first. Paths are absolute. */
export type Plan = {
  readonly target: string;
  readonly protoRoot: string;
  readonly corpusFile: string;
  readonly summaryFile: string;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly durationSeconds: number;
  readonly virtualUsers: number;
  readonly p99Ms: number;
  readonly droppedMax: number;
  readonly errorRateMax: number;
};

const VIRTUAL_USERS_MIN = 32;
const VIRTUAL_USERS_MAX = 512;

/** Requests a second and in all. The rate of vouchers is rounded down to whole requests a second. */
export function requestsOf(options: LoadOptions): { perSecond: number; total: number } {
  const perSecond = Math.floor(options.vouchersPerSecond / options.batchItems);
  return { perSecond, total: perSecond * options.durationSeconds };
}

/** The plan of a run. Enough virtual users that answers may take two seconds before a request is dropped. */
export function planOf(
  options: LoadOptions,
  places: Pick<Plan, 'target' | 'protoRoot' | 'corpusFile' | 'summaryFile'>,
): Plan {
  const { perSecond, total } = requestsOf(options);
  return {
    ...places,
    requests: total,
    requestsPerSecond: perSecond,
    durationSeconds: options.durationSeconds,
    virtualUsers: Math.min(VIRTUAL_USERS_MAX, Math.max(VIRTUAL_USERS_MIN, 2 * perSecond)),
    p99Ms: options.p99Ms,
    errorRateMax: options.errorRateMax,
    droppedMax: Math.floor((total * options.droppedPercentMax) / 100),
  };
}
