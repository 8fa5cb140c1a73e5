const SECOND_MS = 1_000;

/** Counts per second over the last `seconds`, in a ring: bounded whatever the rate. */
export class RateWindow {
  readonly #counts: number[];
  #newestSecond: number;

  constructor(
    readonly seconds: number,
    nowMs: number,
  ) {
    this.#counts = Array(seconds).fill(0);
    this.#newestSecond = Math.floor(nowMs / SECOND_MS);
  }

  /** Adds a count at a time; a clock that went back counts into the newest second. */
  add(count: number, nowMs: number): void {
    this.#advance(nowMs);
    const slot = this.#newestSecond % this.seconds;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + count;
  }

  /** Adds what happened at `atMs` and is heard of now; what is older than the window is left out. */
  addLate(count: number, atMs: number, nowMs: number): void {
    this.#advance(nowMs);
    const second = Math.min(Math.floor(atMs / SECOND_MS), this.#newestSecond);
    if (second <= this.#newestSecond - this.seconds) return;
    const slot = second % this.seconds;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + count;
  }

  /** Counts of whole seconds, oldest first; the running second is left out, since it is not over. */
  series(nowMs: number): number[] {
    this.#advance(nowMs);
    return Array.from({ length: this.seconds - 1 }, (_, at) => {
      const second = this.#newestSecond + 1 + at;
      return this.#counts[second % this.seconds] ?? 0;
    });
  }

  /** Mean per second of the newest whole seconds. */
  mean(nowMs: number, seconds: number): number {
    const newest = this.series(nowMs).slice(-seconds);
    return newest.reduce((sum, count) => sum + count, 0) / newest.length;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    const first = Math.max(this.#newestSecond + 1, second - this.seconds + 1);
    for (let fresh = first; fresh <= second; fresh++) this.#counts[fresh % this.seconds] = 0;
    this.#newestSecond = Math.max(this.#newestSecond, second);
  }
}
