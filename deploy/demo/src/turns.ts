/**
 * Lets many busy loops share one thread: each waits for its turn, and between two turns the event
 * loop reads what has come in. Without it, twenty pairs that sign would leave answers unread.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, one caller per round of the event loop. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
