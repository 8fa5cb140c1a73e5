import type { Logger } from '#libs/observability';

const RETRY_MAX_MS = 5_000;

/** A job done over and over, never twice at once. */
export class Loop {
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #failures = 0;
  #stopped = true;

  constructor(
    private readonly options: {
      readonly name: string;
      /** From the start of one turn to the start of the next; a longer turn is followed at once. */
      readonly periodMs: number;
      readonly logger: Logger;
      /** Does one turn; true means that there is more to do now. */
      readonly turn: () => Promise<boolean>;
    },
  ) {}

  get name(): string {
    return this.options.name;
  }

  start(): void {
    this.#stopped = false;
    this.#plan(0);
  }

  /** Resolves when the turn under way has ended; no other follows. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#turn;
  }

  /** Throws when the last three turns failed; for a readiness check. */
  assertHealthy(): void {
    if (this.#failures >= 3) throw new Error(`${this.options.name} fails repeatedly`);
  }

  #plan(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#turn = this.#run();
    }, delayMs);
  }

  async #run(): Promise<void> {
    const { name, periodMs, logger, turn } = this.options;
    const startedAt = performance.now();
    try {
      const more = await turn();
      this.#failures = 0;
      this.#plan(more ? 0 : Math.max(0, periodMs - (performance.now() - startedAt)));
    } catch (error) {
      this.#failures += 1;
      logger.error({ err: error, failures: this.#failures }, `${name} failed, trying again`);
      this.#plan(Math.min(periodMs * 2 ** this.#failures, RETRY_MAX_MS));
    }
  }
}
