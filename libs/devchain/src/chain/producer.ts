import type { ChainNode } from './node.js';

/** With nothing to do for so long, blocks come at TRON's own pace, to keep an idle chain small. */
const IDLE_AFTER_MS = 15_000;
const IDLE_INTERVAL_MS = 3_000;

/** Seals a block every interval, aligned to multiples of it on the wall clock. */
export class Producer {
  private timer: NodeJS.Timeout | undefined;
  private idle = false;
  private sealing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly node: ChainNode,
    private readonly intervalMs: number,
    /** Told when a block could not be sealed, after which production stops. */
    private readonly onFailure: (error: unknown) => void,
  ) {
    node.onPending = () => this.wake();
  }

  get running(): boolean {
    return this.timer !== undefined;
  }

  start(): void {
    if (this.timer === undefined) this.schedule();
  }

  /** Stops after the block being sealed. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.sealing;
  }

  /** Ends a long idle wait as soon as there is something to seal. */
  private wake(): void {
    if (this.timer !== undefined && this.idle) this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.idle = this.node.idleMs > IDLE_AFTER_MS;
    const stepMs = this.idle ? Math.max(this.intervalMs, IDLE_INTERVAL_MS) : this.intervalMs;
    const waitMs = stepMs - (Date.now() % stepMs);
    this.timer = setTimeout(() => {
      this.sealing = this.sealOne();
    }, waitMs);
  }

  private async sealOne(): Promise<void> {
    try {
      await this.node.seal();
      if (this.timer !== undefined) this.schedule();
    } catch (error) {
      this.timer = undefined;
      this.onFailure(error);
    }
  }
}
