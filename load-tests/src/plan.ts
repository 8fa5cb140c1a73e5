import type { LoadOptions } from './options.js';
import { SCENARIOS, type ScenarioName, type ScenarioSpec } from './scenarios.js';

/** What the k6 script reads first. Paths are absolute. */
export type Plan = {
  readonly target: string;
  readonly protoRoot: string;
  readonly corpusFile: string;
  readonly summaryFile: string;
  readonly scenario: ScenarioName;
  readonly api: ScenarioSpec['api'];
  /** Requests that one iteration sends. */
  readonly requestsPerIteration: number;
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

/**
 * Requests a second and in all. The rate of vouchers is rounded down to whole requests a second, their
 * number to whole iterations.
 */
export function requestsOf(
  options: LoadOptions,
  name: ScenarioName = 'unary',
): { perSecond: number; total: number } {
  const perSecond = Math.floor(options.vouchersPerSecond / options.batchItems);
  const { requestsPerIteration } = SCENARIOS[name];
  const iterations = Math.floor((perSecond * options.durationSeconds) / requestsPerIteration);
  return { perSecond, total: Math.max(1, iterations) * requestsPerIteration };
}

/** The plan of a run. Enough virtual users that answers may take two seconds before a request is dropped. */
export function planOf(
  options: LoadOptions,
  name: ScenarioName,
  places: Pick<Plan, 'target' | 'protoRoot' | 'corpusFile' | 'summaryFile'>,
): Plan {
  const { perSecond, total } = requestsOf(options, name);
  const { api, requestsPerIteration } = SCENARIOS[name];
  return {
    ...places,
    scenario: name,
    api,
    requestsPerIteration,
    requests: total,
    requestsPerSecond: perSecond,
    durationSeconds: options.durationSeconds,
    virtualUsers: Math.min(VIRTUAL_USERS_MAX, Math.max(VIRTUAL_USERS_MIN, 2 * perSecond)),
    p99Ms: options.p99Ms,
    errorRateMax: options.errorRateMax,
    droppedMax: Math.floor((total / requestsPerIteration) * (options.droppedPercentMax / 100)),
  };
}
