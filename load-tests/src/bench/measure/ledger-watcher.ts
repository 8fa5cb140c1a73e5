import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../generator/clock.js';
import type { LedgerWatchRepository } from './ledger-watch.repository.js';
import { Timeline } from './timeline.js';

const OFFSETS_EVERY_MS = 25;
const UNITS_EVERY_MS = 250;

/** Watches the ledger while a phase runs: which records are applied, and how many payments. */
export class LedgerWatcher {
  readonly offsets = new Timeline();
  readonly applied: { readonly atMs: number; readonly units: number }[] = [];
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(private readonly watch: LedgerWatchRepository) {
    this.#running = this.#run();
    this.#running.catch(() => undefined);
  }

  /** Ends the watch after one more look, so that what was applied just now is seen as well. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Payments applied at a time, between the two looks around it. */
  appliedAt(atMs: number): number {
    const after = this.applied.findIndex((look) => look.atMs >= atMs);
    const [late, early] = [this.applied[after], this.applied[after - 1]];
    if (late === undefined) return this.applied.at(-1)?.units ?? 0;
    if (early === undefined) return late.units;
    const share = (atMs - early.atMs) / (late.atMs - early.atMs);
    return early.units + share * (late.units - early.units);
  }

  async #run(): Promise<void> {
    let unitsAtMs = 0;
    while (!this.#stopped) {
      if (nowMs() - unitsAtMs > UNITS_EVERY_MS) {
        const units = await this.watch.appliedUnits();
        unitsAtMs = nowMs();
        this.applied.push({ atMs: unitsAtMs, units });
      }
      const next = await this.watch.nextOffsets();
      this.offsets.add(nowMs(), next);
      await sleep(OFFSETS_EVERY_MS);
    }
    const next = await this.watch.nextOffsets();
    this.offsets.add(nowMs(), next);
  }
}
