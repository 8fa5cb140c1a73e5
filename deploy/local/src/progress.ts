/** Where steps are told; the stack does not know terminals. */
export interface Progress {
  /** A step begins; the returned function ends it with a short result. */
  step(name: string): (result: string) => void;
  note(text: string): void;
}

export const silentProgress: Progress = { step: () => () => undefined, note: () => undefined };

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const paint = (code: number, text: string) => `\u001b[${code}m${text}\u001b[0m`;
export const green = (text: string) => paint(32, text);
export const red = (text: string) => paint(31, text);
export const dim = (text: string) => paint(2, text);

const seconds = (sinceMs: number) => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

/** One line when a step ends: fit for a pipe or a log. */
function plainProgress(out: Output): Progress {
  return {
    step(name) {
      const startedAtMs = Date.now();
      return (result) => out.write(`${name}: ${result} (${seconds(startedAtMs)})\n`);
    },
    note: (text) => out.write(`${text}\n`),
  };
}

/** Running steps live in one last line with their seconds; a finished step becomes a line above it. */
function liveProgress(out: Output): Progress {
  const running = new Map<symbol, { name: string; startedAtMs: number }>();
  const clear = () => out.write('\r\u001b[2K');
  const draw = () => {
    clear();
    const parts = [...running.values()].map((s) => `${s.name} ${seconds(s.startedAtMs)}`);
    if (parts.length > 0) out.write(dim(`  … ${parts.join(', ')}`));
  };
  let timer: NodeJS.Timeout | undefined;
  const print = (line: string) => {
    clear();
    out.write(`${line}\n`);
    draw();
  };
  return {
    step(name) {
      const key = Symbol(name);
      const startedAtMs = Date.now();
      running.set(key, { name, startedAtMs });
      timer ??= setInterval(draw, 200).unref();
      draw();
      return (result) => {
        running.delete(key);
        if (running.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        print(`  ${green('✓')} ${name.padEnd(12)} ${result} ${dim(seconds(startedAtMs))}`);
      };
    },
    note: print,
  };
}

export function progressTo(out: Output): Progress {
  return out.isTTY ? liveProgress(out) : plainProgress(out);
}
