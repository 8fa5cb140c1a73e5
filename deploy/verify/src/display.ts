/** Where progress goes. */
type Output = { readonly isTTY?: boolean; write(text: string): unknown };

const WIDTH = 24;
const REDRAW_MS = 100;

/** A bar that fills while checks pass, on a terminal; a line for each check elsewhere. */
export class Progress {
  #name = '';
  #drawnAt = 0;
  #rows = 0;

  constructor(
    private readonly out: Output,
    private readonly now: () => number = Date.now,
  ) {}

  show(name: string, at: number, of: number, rows: number): void {
    if (name !== this.#name) this.#end();
    const isNew = name !== this.#name;
    [this.#name, this.#rows] = [name, rows];
    if (this.out.isTTY !== true) return;
    if (!isNew && this.now() - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = this.now();
    const filled = Math.round((at / of) * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    this.out.write(`\r\u001b[2K${bar} ${at + 1}/${of} ${name} ${rows === 0 ? '' : `${rows} rows`}`);
  }

  /** After the last check. */
  done(): void {
    if (this.out.isTTY === true) this.out.write('\r\u001b[2K');
    else this.#end();
    this.#name = '';
  }

  #end(): void {
    if (this.#name === '' || this.out.isTTY === true) return;
    this.out.write(`${this.#name}${this.#rows === 0 ? '' : `: ${this.#rows} rows`}\n`);
  }
}
