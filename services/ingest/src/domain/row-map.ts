const EMPTY = -1;
const FIRST_LENGTH = 1024;

/** A number per row of the channel table; -1 for rows without one. It grows with the highest row. */
export class RowMap {
  #values = new Int32Array(FIRST_LENGTH).fill(EMPTY);

  get(row: number): number {
    return this.#values[row] ?? EMPTY;
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#grow(row);
    this.#values[row] = value;
  }

  delete(row: number): void {
    if (row < this.#values.length) this.#values[row] = EMPTY;
  }

  #grow(row: number): void {
    const grown = new Int32Array(Math.max(row + 1, this.#values.length * 2)).fill(EMPTY);
    grown.set(this.#values);
    this.#values = grown;
  }
}
