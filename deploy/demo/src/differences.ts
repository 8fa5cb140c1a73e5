/** Collects every figure that is not what the demo knows it must be. */
export class Differences {
  readonly #lines: string[] = [];
  #checked = 0;

  /** Compares a figure with what it must be. */
  equal<T extends bigint | number | string | boolean>(what: string, actual: T, expected: T): void {
    this.#checked += 1;
    if (actual !== expected) this.#lines.push(`${what} is ${actual}, expected ${expected}`);
  }

  /** Notes that something must hold; `detail` says what was found instead. */
  holds(what: string, holds: boolean, detail = ''): void {
    this.#checked += 1;
    if (!holds) this.#lines.push(detail === '' ? what : `${what}: ${detail}`);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** How many figures were compared. */
  get checked(): number {
    return this.#checked;
  }
}
