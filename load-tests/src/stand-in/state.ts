import { AsyncLocalStorage } from 'node:async_hooks';
import { Metric } from './metrics.js';

/** Metrics of this process by name. `dropped_iterations`, `iterations` and `grpc_req_duration` are k6's own. */
export const metrics = new Map<string, Metric>([
  ['iterations', new Metric('counter')],
  ['dropped_iterations', new Metric('counter')],
  ['grpc_req_duration', new Metric('trend')],
]);

/** The metric of this name; made when it is new. */
export function metric(name: string, type: Metric['type']): Metric {
  const found = metrics.get(name) ?? new Metric(type);
  metrics.set(name, found);
  return found;
}

/** The iteration that the running code belongs to. */
export const iteration = new AsyncLocalStorage<number>();
