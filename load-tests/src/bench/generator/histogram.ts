const SUB_BITS = 7;
const SUBS = 2 ** SUB_BITS;
const BUCKETS = SUBS * 25;

/**
 * Latencies in buckets that widen with the value, in the manner of HdrHistogram: whole microseconds up
 * to 128, from there on never wider than 1 % of the value, up to 35 minutes.
 */
export class Histogram {
  readonly #counts: Float64Array;
  #count = 0;

  constructor(counts?: Float64Array) {
    this.#counts = counts ?? new Float64Array(BUCKETS);
    for (const count of this.#counts) this.#count += count;
  }

  /** How many values there are. */
  get count(): number {
    return this.#count;
  }

  /** The buckets, to send them to another process. */
  get counts(): Float64Array {
    return this.#counts;
  }

  /** Adds a latency in milliseconds, `times` over. */
  add(ms: number, times = 1): void {
    const at = bucketOf(Math.max(0, Math.round(ms * 1_000)));
    this.#counts[at] = (this.#counts[at] ?? 0) + times;
    this.#count += times;
  }

  /** The latency in milliseconds that this share of the values (0 to 1) does not pass; 0 without values. */
  at(share: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return topOf(bucket) / 1_000;
    }
    return topOf(BUCKETS - 1) / 1_000;
  }
}

function bucketOf(us: number): number {
  if (us < SUBS) return us;
  const shift = 31 - Math.clz32(Math.min(us, 2 ** 31 - 1)) - SUB_BITS;
  return Math.min(BUCKETS - 1, SUBS * (shift + 1) + (Math.min(us, 2 ** 31 - 1) >> shift) - SUBS);
}

// The largest value of a bucket: a percentile is never told better than it was.
function topOf(bucket: number): number {
  const shift = Math.floor(bucket / SUBS) - 1;
  if (shift < 0) return bucket;
  return ((bucket % SUBS) + SUBS + 1) * 2 ** shift - 1;
}
