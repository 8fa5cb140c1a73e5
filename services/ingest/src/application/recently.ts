import { INGEST_LIMITS } from './limits.js';
import type { Clock } from './ports.js';

/** What the books were asked for in vain within the last second; of too many the oldest are forgotten first. */
export class Recently {
  readonly #untilMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  has(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    return untilMs !== undefined && untilMs > Number(this.clock.nowMs());
  }

  note(key: string): void {
    this.#untilMs.delete(key);
    this.#untilMs.set(key, Number(this.clock.nowMs()) + INGEST_LIMITS.unknownForMs);
    if (this.#untilMs.size <= INGEST_LIMITS.negativeAnswersMax) return;
    for (const oldest of this.#untilMs.keys()) {
      this.#untilMs.delete(oldest);
      return;
    }
  }
}
