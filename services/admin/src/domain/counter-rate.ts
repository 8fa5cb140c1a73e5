import { RateWindow } from './rate-window.js';

/** Longer than the pause between two readings of a counter, so that the rate does not flicker. */
const MEAN_SECONDS = 6;

/** The rate behind counters of several processes that are read now and then. */
export class CounterRate {
  readonly #totals = new Map<string, number>();
  readonly #window: RateWindow;

  constructor(nowMs: number) {
    this.#window = new RateWindow(2 * MEAN_SECONDS, nowMs);
  }

  /** Takes a reading. The first one of a process only sets the start; a lower one is a restart. */
  observe(process: string, total: number, nowMs: number): void {
    const last = this.#totals.get(process);
    this.#totals.set(process, total);
    if (last === undefined) return;
    this.#window.add(total >= last ? total - last : total, nowMs);
  }

  /** Null until a counter was read. */
  perSecond(nowMs: number): number | null {
    if (this.#totals.size === 0) return null;
    return Math.round(this.#window.mean(nowMs, MEAN_SECONDS));
  }
}
