import type { Logger } from '#libs/observability';

/** What a loop repeats. */
export type LoopOptions = {
  readonly name: string;
  /** Between the end of one round and the start of the next. */
  readonly pauseMs: number;
  /** Counts the pause from the start of a round instead; a longer round is followed at once. */
  readonly steady?: boolean;
  readonly logger: Logger;
  /** One round; true when there is more to do at once. */
  readonly round: () => Promise<boolean>;
};

const FAILURES_UNHEALTHY = 3;
const PAUSE_MAX_MS = 5_000;

/** Repeats a round until stopped, never two at a time; after failures it waits longer. */
export class Loop {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = true;
  #failures = 0;
  #lastError = '';

  constructor(private readonly options: LoopOptions) {}

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.#stopped = false;
    this.#schedule(0);
  }

  /** Resolves when the round under way has ended; no other follows. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Throws when the last three rounds have failed; for a readiness check. */
  assertHealthy(): void {
    if (this.#failures >= FAILURES_UNHEALTHY) {
      throw new Error(`${this.options.name} fails repeatedly: ${this.#lastError}`);
    }
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, delayMs);
  }

  async #run(): Promise<void> {
    const { name, pauseMs, steady = false, logger, round } = this.options;
    const startedAt = performance.now();
    try {
      const more = await round();
      this.#failures = 0;
      const spentMs = steady ? performance.now() - startedAt : 0;
      this.#schedule(more ? 0 : Math.max(0, pauseMs - spentMs));
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error, failures: this.#failures }, `${name} failed, trying again`);
      this.#schedule(Math.min(pauseMs * 2 ** this.#failures, PAUSE_MAX_MS));
    }
  }
}
