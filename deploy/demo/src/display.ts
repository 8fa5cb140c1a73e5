/** Where progress is written. */
export type Output = { readonly isTTY?: boolean | undefined; write(text: string): unknown };

/** One phase of the demo as its code sees it. */
export type Step = {
  /** How far it is, from 0 to `total`. */
  progress(done: number, total: number): void;
  /** A short remark beside the bar, and the phase's line when it ends. */
  note(text: string): void;
};

type Running = { readonly title: string; readonly startMs: number; share: number; text: string };

const BAR_WIDTH = 24;
const REDRAW_MS = 100;

/** Shows phases: coloured bars on a terminal, one plain line per beginning and end in a pipe. */
export class Display {
  readonly #running = new Set<Running>();
  #drawnLines = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly out: Output,
    private readonly nowMs: () => number = Date.now,
  ) {}

  get #live(): boolean {
    return this.out.isTTY === true;
  }

  /** Runs a phase and shows it until it ends; its error is passed on. */
  async phase<T>(title: string, run: (step: Step) => Promise<T>): Promise<T> {
    const line: Running = { title, startMs: this.nowMs(), share: 0, text: '' };
    this.#begin(line);
    try {
      const value = await run({
        progress: (done, total) => {
          line.share = total === 0 ? 1 : Math.min(1, done / total);
        },
        note: (text) => {
          line.text = text;
        },
      });
      this.#end(line, true);
      return value;
    } catch (error) {
      this.#end(line, false);
      throw error;
    }
  }

  /** Prints lines that stay. */
  print(text: string): void {
    this.#clear();
    this.out.write(`${text}\n`);
    this.#draw();
  }

  #begin(line: Running): void {
    this.#running.add(line);
    if (!this.#live) {
      this.out.write(`${line.title} ...\n`);
      return;
    }
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  #end(line: Running, ok: boolean): void {
    this.#running.delete(line);
    if (this.#running.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const seconds = `${((this.nowMs() - line.startMs) / 1000).toFixed(1)} s`;
    const text = line.text === '' ? '' : `: ${line.text}`;
    if (!this.#live) {
      this.print(`${line.title} ${ok ? 'done' : 'FAILED'} in ${seconds}${text}`);
      return;
    }
    const mark = ok ? paint(32, '✔') : paint(31, '✘');
    this.print(`${mark} ${line.title.padEnd(22)} ${paint(2, seconds.padStart(7))}  ${line.text}`);
  }

  #draw(): void {
    if (!this.#live) return;
    this.#clear();
    for (const line of this.#running) this.out.write(`${bar(line)}\n`);
    this.#drawnLines = this.#running.size;
  }

  #clear(): void {
    if (!this.#live || this.#drawnLines === 0) return;
    this.out.write(`\u001b[${this.#drawnLines}A\u001b[0J`);
    this.#drawnLines = 0;
  }
}

/** Text in an ANSI colour. */
export function paint(colour: number, text: string): string {
  return `\u001b[${colour}m${text}\u001b[0m`;
}

function bar({ title, share, text }: Running): string {
  const full = Math.round(share * BAR_WIDTH);
  const drawn = paint(36, '█'.repeat(full)) + paint(2, '░'.repeat(BAR_WIDTH - full));
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${paint(36, '▶')} ${title.padEnd(22)} ${drawn} ${percent}  ${text}`.slice(0, 160);
}
