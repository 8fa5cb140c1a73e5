import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { compiled } from '../deploy/local/src/root.js';

/** What the demo's last line holds; units are decimal text. */
export type DemoResult = Readonly<Record<string, unknown>> & { readonly conserved: boolean };

/** A finished demo. */
export type DemoEnd = {
  readonly code: number | null;
  readonly result: DemoResult | undefined;
  /** Everything it told on standard error. */
  readonly log: string;
};

/**
 * Runs the compiled demo as a user would, in a process of its own. `onLine` hears each line of
 * progress when it comes, so that a test can disturb the stack in a phase of its choice.
 */
export async function runDemo(
  statePath: string,
  args: readonly string[],
  onLine: (line: string) => void = () => undefined,
): Promise<DemoEnd> {
  const all = ['--state', statePath, '--json', ...args];
  return (await run('deploy/demo/src/main.js', all, onLine)) as DemoEnd;
}

/** Runs the compiled verify on the stack of a data folder. */
export function runVerify(dataDir: string, args: readonly string[]): Promise<CommandEnd> {
  return run('deploy/verify/src/main.js', ['--data', dataDir, '--json', ...args], () => undefined);
}

/** A finished command whose last line is JSON. */
export type CommandEnd = Omit<DemoEnd, 'result'> & {
  readonly result: Readonly<Record<string, unknown>> | undefined;
};

async function run(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<CommandEnd> {
  const child = spawn(process.execPath, [compiled(program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FIRST_START_SECONDS: '12.5' },
  });
  const log: string[] = [];
  const answers: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    onLine(line);
  });
  createInterface({ input: child.stdout }).on('line', (line) => answers.push(line));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const last = answers.at(-1);
  const result =
    last === undefined ? undefined : (JSON.parse(last) as Readonly<Record<string, unknown>>);
  return { code, result, log: log.join('\n') };
}
