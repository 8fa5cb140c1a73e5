import type { PanelView } from '../domain/snapshot.js';

/** How one source is read. */
export type PanelOptions<T> = {
  readonly read: () => Promise<T>;
  /** Pause between two reads while somebody looks. */
  readonly periodMs: number;
  /** From when on a read that is still running shows as a failure. */
  readonly patienceMs: number;
};

/** While nobody looks, sources are read this seldom: alarms and metrics still need them. */
const IDLE_PERIOD_MS = 10_000;

/** A slow source is left alone for this many times as long as its last read took. */
const REST_FACTOR = 4;

const FAILURE_LENGTH_MAX = 300;

/** One source of the dashboard: reads it now and then, never twice at once, and keeps the last value. */
export class Panel<T> {
  readonly #options: PanelOptions<T>;
  #view: PanelView<T> = { state: 'pending', value: null, atMs: null, failure: null };
  #running = false;
  #dueAtMs = 0;
  #startedAtMs = 0;

  constructor(options: PanelOptions<T>) {
    this.#options = options;
  }

  /** The source as it is known now. */
  view(nowMs: number): PanelView<T> {
    const waitingMs = this.#running ? nowMs - this.#startedAtMs : 0;
    if (waitingMs <= this.#options.patienceMs || this.#view.state === 'failed') return this.#view;
    const failure = `no answer for ${Math.floor(waitingMs / 1_000)} s`;
    return { ...this.#view, state: 'failed', failure };
  }

  /** Starts a read if one is due; resolves when it is over and never rejects. */
  async refresh(now: () => number, watched: boolean): Promise<void> {
    const idleMs = watched ? 0 : IDLE_PERIOD_MS - this.#options.periodMs;
    if (this.#running || now() < this.#dueAtMs + idleMs) return;
    this.#running = true;
    this.#startedAtMs = now();
    try {
      const value = await this.#options.read();
      this.#view = { state: 'ok', value, atMs: now(), failure: null };
    } catch (error) {
      this.#view = { ...this.#view, state: 'failed', failure: textOf(error) };
    } finally {
      this.#running = false;
      const tookMs = now() - this.#startedAtMs;
      this.#dueAtMs = now() + Math.max(this.#options.periodMs - tookMs, REST_FACTOR * tookMs, 0);
    }
  }
}

function textOf(error: unknown): string {
  // Several addresses were tried, or a driver gave only a code: the texts of the parts say more.
  const parts = error instanceof AggregateError ? error.errors : [error];
  const texts = parts.map((part: unknown) =>
    part instanceof Error ? part.message || part.name : String(part),
  );
  return texts.join('; ').slice(0, FAILURE_LENGTH_MAX);
}
