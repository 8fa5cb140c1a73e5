/** Where progress goes: a line, and a bar for work whose amount is known. */
export type Progress = {
  say(text: string): void;
  bar(title: string, total: number): { advance(done: number): void; done(): void };
};

const WIDTH = 30;
const REDRAW_MS = 200;
const LINE_MS = 5_000;

/** Progress on a stream: a bar that is drawn again on a terminal, else a line every five seconds. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  const say = (text: string) => void stream.write(`${text}\n`);
  return {
    say,
    bar: (title, total) => {
      const startedMs = Date.now();
      let [sum, drawnMs] = [0, startedMs];
      const text = () => barText(title, sum / total, Date.now() - startedMs);
      return {
        advance: (done) => {
          sum = Math.min(total, sum + done);
          const nowMs = Date.now();
          if (nowMs - drawnMs < (stream.isTTY ? REDRAW_MS : LINE_MS)) return;
          drawnMs = nowMs;
          if (stream.isTTY) stream.write(`\r${text()}`);
          else say(text());
        },
        done: () => {
          say(`${stream.isTTY ? '\r' : ''}${barText(title, 1, Date.now() - startedMs)}`);
        },
      };
    },
  };
}

/** No progress, for tests. */
export const silent: Progress = {
  say: () => undefined,
  bar: () => ({ advance: () => undefined, done: () => undefined }),
};

/** A bar as text: `corpus vouchers [#####-----]  50 %  12 s, 12 s to go`. */
export function barText(title: string, share: number, elapsedMs: number): string {
  const filled = Math.round(WIDTH * share);
  const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
  const seconds = Math.round(elapsedMs / 1_000);
  const rest = share > 0 ? Math.round((elapsedMs * (1 - share)) / share / 1_000) : 0;
  const percent = String(Math.floor(100 * share)).padStart(3);
  return `${title.padEnd(16)} [${bar}] ${percent} %  ${seconds} s${share < 1 ? `, ${rest} s to go` : ''}`;
}
