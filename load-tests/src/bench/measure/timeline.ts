import type { AckTime } from '../generator/ack-log.js';
import { Histogram } from '../generator/histogram.js';

/** When each partition of the log was seen applied how far. */
export class Timeline {
  readonly #looks: { readonly atMs: number; readonly next: readonly number[] }[] = [];

  /** A look: the next offset of each partition, read at this time or before. */
  add(atMs: number, next: readonly number[]): void {
    this.#looks.push({ atMs, next });
  }

  /** The first look at which a record was applied; undefined when none saw it. */
  appliedMs(partition: number, offset: number): number | undefined {
    let [low, high] = [0, this.#looks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#looks[middle]?.next[partition] ?? 0) > offset) high = middle;
      else low = middle + 1;
    }
    return this.#looks[low]?.atMs;
  }
}

/**
 * Time from acknowledgement to a balance that shows it, per payment: the first look at the ledger that
 * saw all records of the acknowledgement applied, so it is too long by up to the time between looks.
 * What was never seen applied counts as `missing`.
 */
export function visibility(
  acks: Iterable<AckTime>,
  timeline: Timeline,
): { histogram: Histogram; missing: number } {
  const histogram = new Histogram();
  let missing = 0;
  for (const { atMs, items, positions } of acks) {
    const times = positions.map(({ partition, offset }) => timeline.appliedMs(partition, offset));
    if (times.some((time) => time === undefined)) missing += items;
    else if (times.length > 0) histogram.add(Math.max(...times.map(Number)) - atMs, items);
  }
  return { histogram, missing };
}
