import type { Logger } from '#libs/observability';

/** What a loop repeats. */
export type LoopOptions = {
  readonly name: string;
  readonly pauseMs: number;
  readonly logger: Logger;
  /** One round; true when there is more to do at once. */
  readonly round: () => Promise<boolean>;
};

const FAILURES_UNHEALTHY = 3;
const PAUSE_MAX_MS = 5_000;

/** Repeats a round until stopped, never two at a time; after a failure it waits longer. */
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

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Throws when the last rounds have failed; for a readiness check. */
  assertHealthy(): void {
    if (this.#failures >= FAILURES_UNHEALTHY) {
      throw new Error(`${this.options.name}: ${this.#lastError}`);
    }
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, delayMs);
  }

  async #run(): Promise<void> {
    const { name, pauseMs, logger, round } = this.options;
    try {
      const more = await round();
      this.#failures = 0;
      this.#schedule(more ? 0 : pauseMs);
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error instanceof Error ? error.message : String(error);
      logger.warn({ err: error, failures: this.#failures }, `${name} failed, trying again`);
      this.#schedule(Math.min(pauseMs * 2 ** this.#failures, PAUSE_MAX_MS));
    }
  }
}
