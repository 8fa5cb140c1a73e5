import type { Claims } from './claims.js';

const NONE = -1;

/** Claims in order of arrival, by slot; it has room for all slots there are. */
export class ClaimQueue {
  readonly #slots: Int32Array;
  #head = 0;
  #length = 0;
  #closed = false;
  #sinceMs = 0;
  #arrived: (() => void) | undefined;

  constructor(private readonly claims: Claims) {
    this.#slots = new Int32Array(claims.columns.capacity);
  }

  get length(): number {
    return this.#length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How long there has been something in it without a pause, in milliseconds. */
  get waitingMs(): number {
    return this.#length === 0 ? 0 : performance.now() - this.#sinceMs;
  }

  push(slot: number): void {
    if (this.#length === 0) this.#sinceMs = performance.now();
    this.#slots[(this.#head + this.#length) % this.#slots.length] = slot;
    this.#length++;
    if (this.#arrived !== undefined) this.#wake();
  }

  /** The oldest claim, or -1. */
  first(): number {
    return this.#length === 0 ? NONE : (this.#slots[this.#head] ?? NONE);
  }

  /** Takes the oldest claim off. */
  shift(): void {
    this.#head = (this.#head + 1) % this.#slots.length;
    this.#length--;
  }

  /** Resolves when there is a claim; at once when the queue is closed. */
  async arrival(): Promise<void> {
    if (this.#length > 0 || this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  /** Says that nothing more will come. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Lets go of answered claims at the head; deadlines pass in order of arrival. */
  dropAnswered(): void {
    for (let slot = this.first(); slot !== NONE && !this.claims.isOpen(slot); slot = this.first()) {
      this.shift();
      this.claims.drop(slot);
    }
  }

  #wake(): void {
    const arrived = this.#arrived;
    this.#arrived = undefined;
    arrived?.();
  }
}
