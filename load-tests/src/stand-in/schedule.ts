import { setTimeout as sleep } from 'node:timers/promises';
import { iteration } from './state.js';

/** A `constant-arrival-rate` scenario of k6. */
export type Scenario = {
  readonly executor: string;
  readonly rate: number;
  readonly timeUnit: string;
  readonly duration: string;
  readonly maxVUs: number;
  readonly gracefulStop: string;
};

/** Told what becomes of each iteration. */
export type Observer = { started(): void; dropped(): void };

const TICK_MS = 2;

/**
 * Starts iterations at the scenario's rate whether or not earlier ones are over (an open model). One that no virtual
 * user is free for is dropped. Returns the seconds until the last one ended, or until the graceful stop.
 */
export async function runAtRate(
  scenario: Scenario,
  work: () => Promise<void>,
  observer: Observer,
): Promise<number> {
  if (scenario.executor !== 'constant-arrival-rate') {
    throw new Error(`the executor ${scenario.executor} is not supported`);
  }
  const perMs = scenario.rate / milliseconds(scenario.timeUnit);
  const total = Math.round(perMs * milliseconds(scenario.duration));
  const running = new Set<Promise<void>>();
  const startMs = performance.now();
  let next = 0;
  let due = 0;
  while (due < total) {
    const now = Math.min(total, Math.floor((performance.now() - startMs) * perMs) + 1);
    for (; due < now; due++) {
      if (running.size >= scenario.maxVUs) {
        observer.dropped();
        continue;
      }
      observer.started();
      const one: Promise<void> = iteration.run(next++, work).finally(() => running.delete(one));
      running.add(one);
    }
    await sleep(TICK_MS);
  }
  await Promise.race([
    Promise.all(running),
    sleep(milliseconds(scenario.gracefulStop), undefined, { ref: false }),
  ]);
  return (performance.now() - startMs) / 1_000;
}

/** Milliseconds of a duration such as `250ms`, `5s` or `2m`. */
export function milliseconds(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (parts === null) throw new Error(`"${text}" is not a duration`);
  const scale = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[parts[2] as 'ms' | 's' | 'm' | 'h'];
  return Number(parts[1]) * scale;
}
