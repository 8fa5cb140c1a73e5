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
  const script = compiled('deploy/demo/src/main.js');
  const child = spawn(process.execPath, [script, '--state', statePath, '--json', ...args], {
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
  const result = last === undefined ? undefined : (JSON.parse(last) as DemoResult);
  return { code, result, log: log.join('\n') };
}
