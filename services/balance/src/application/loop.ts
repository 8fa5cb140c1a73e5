import type { Logger } from '#libs/observability';

/** A job that runs again and again: at once while there is work, else after a pause; longer after errors. */
export class Loop {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #failures = 0;

  constructor(
    private readonly options: {
      readonly name: string;
      readonly pauseMs: number;
      readonly logger: Logger;
      /** Does one round; returns how much there was to do. */
      readonly round: () => Promise<number>;
    },
  ) {}

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

  /** Throws when the last rounds failed; for a readiness check. */
  assertHealthy(): void {
    if (this.#failures >= 3) throw new Error(`${this.options.name} fails repeatedly`);
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
      const done = await round();
      this.#failures = 0;
      this.#schedule(done > 0 ? 0 : pauseMs);
    } catch (error) {
      this.#failures += 1;
      logger.error({ err: error, failures: this.#failures }, `${name} failed, trying again`);
      this.#schedule(Math.min(pauseMs * 2 ** this.#failures, 5_000));
    }
  }
}
