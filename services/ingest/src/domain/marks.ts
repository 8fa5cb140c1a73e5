/** How old the newest mark of a partition may be when a payment is acknowledged. */
export const MARK_AGE_MAX_MS = 2_000;

/** How far ahead of our clock a mark may be before the two clocks are taken to disagree. */
export const CLOCK_SKEW_MAX_MS = 1_000;

/** The lead of balance's clock is the largest that marks showed in this time and once more this time before. */
const LEAD_PERIOD_MS = 30_000;

/**
 * How recent our knowledge of each partition is. A mark says: all committed before me stands before me.
 *
 * Marks carry the time of balance's clock. That no mark comes before it is written tells how far that
 * clock is ahead of ours at least: were our clock behind, a mark would seem younger than it is, so the lead
 * is added to its age. Only marks renew what is known of the lead; who is cut off keeps what it knows.
 */
export class Marks {
  readonly #marksMs: Float64Array;
  #periodStartMs = 0;
  #leadMs = 0;
  #leadBeforeMs = 0;

  constructor(readonly partitions: number) {
    this.#marksMs = new Float64Array(partitions);
  }

  /** All changes of this partition committed before `markMs` are known here, at `nowMs` of our clock. */
  take(partition: number, markMs: number, nowMs: number): void {
    this.#observeLead(markMs - nowMs, nowMs);
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
    const ageMs = nowMs - this.newestMs(partition);
    const leadMs = Math.max(this.#leadMs, this.#leadBeforeMs);
    return ageMs + leadMs <= MARK_AGE_MAX_MS && -ageMs <= CLOCK_SKEW_MAX_MS;
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
      const leadMs = Math.max(this.#leadMs, this.#leadBeforeMs);
      const behind = leadMs > 0 ? `, and our clock is ${leadMs} ms behind` : '';
      const age = markMs === 0 ? 'has none yet' : `is ${nowMs - markMs} ms old${behind}`;
      throw new Error(`the newest mark of partition ${partition} of the channels topic ${age}`);
    }
  }

  // By our clock, so that a backlog of late marks, read at once, does not make us forget. A clock that was set
  // starts a period too, whichever way.
  #observeLead(leadMs: number, nowMs: number): void {
    if (Math.abs(nowMs - this.#periodStartMs) >= LEAD_PERIOD_MS) {
      this.#periodStartMs = nowMs;
      this.#leadBeforeMs = this.#leadMs;
      this.#leadMs = 0;
    }
    this.#leadMs = Math.max(this.#leadMs, leadMs);
  }
}
