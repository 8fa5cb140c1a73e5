/** How old the newest mark of a partition may be when a payment is acknowledged. */
export const MARK_AGE_MAX_MS = 2_000;

/** How far ahead of our clock a mark may be before the two clocks are taken to disagree. */
export const CLOCK_SKEW_MAX_MS = 1_000;

/** How recent our knowledge of each partition is. A mark says: all committed before me stands before me. */
export class Marks {
  readonly #marksMs: Float64Array;

  constructor(readonly partitions: number) {
    this.#marksMs = new Float64Array(partitions);
  }

  /** All changes of this partition committed before `markMs` are known here. */
  take(partition: number, markMs: number): void {
    if (markMs > (this.#marksMs[partition] ?? Number.POSITIVE_INFINITY)) {
      this.#marksMs[partition] = markMs;
    }
  }

  /** Nothing is known of this partition any more. */
  clear(partition: number): void {
    this.#marksMs[partition] = 0;
  }

  /** True once a mark was read: what is committed from then on will be heard here. */
  has(partition: number): boolean {
    return this.newestMs(partition) > 0;
  }

  /** The newest mark; 0 while there is none. */
  newestMs(partition: number): number {
    return this.#marksMs[partition] ?? 0;
  }

  /**
   * True when no closing of this partition's channels can have passed us by: what is acknowledged
   * now stands before any `finalize`, which is logged 5 s after the closing was published.
   */
  isFresh(partition: number, nowMs: number): boolean {
    const markMs = this.newestMs(partition);
    return nowMs - markMs <= MARK_AGE_MAX_MS && markMs - nowMs <= CLOCK_SKEW_MAX_MS;
  }

  /** Age of the oldest partition's newest mark; undefined while one has none. */
  ageMs(nowMs: number): number | undefined {
    const oldest = Math.min(...this.#marksMs);
    return oldest === 0 ? undefined : nowMs - oldest;
  }

  /** Throws, for a readiness check, when a partition's knowledge is too old. */
  assertFresh(nowMs: number): void {
    for (let partition = 0; partition < this.partitions; partition++) {
      if (this.isFresh(partition, nowMs)) continue;
      const markMs = this.newestMs(partition);
      const age = markMs === 0 ? 'has none yet' : `is ${nowMs - markMs} ms old`;
      throw new Error(`the newest mark of partition ${partition} of the channels topic ${age}`);
    }
  }
}
