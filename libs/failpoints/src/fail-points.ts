import { readFileSync, writeSync } from 'node:fs';
import { FailPointError, parseFailPoints } from './parse.js';

/** Every fail-point, in the order in which a payment passes them. */
export const FAIL_POINTS = [
  'ingest.before-produce',
  'ingest.after-produce',
  'ingest.before-ack',
  'balance.after-poll',
  'balance.after-copy',
  'balance.after-merge',
  'balance.before-commit',
  'balance.after-commit',
  'balance.in-rebalance',
] as const;

/** Name of a fail-point. */
export type FailPoint = (typeof FAIL_POINTS)[number];

type Countdown = { passesLeft: number; readonly signal: NodeJS.Signals };

const STANDARD_ERROR = 2;

// Undefined unless a crash test wants it otherwise: then a pass costs one comparison.
let armed: Map<string, Countdown> | undefined;

/** A place where the process ends at once, or stops, when a crash test has armed it. */
export function failPoint(name: FailPoint): void {
  if (armed === undefined) return;
  const countdown = armed.get(name);
  if (countdown === undefined) return;
  countdown.passesLeft -= 1;
  if (countdown.passesLeft > 0) return;
  armed.delete(name);
  // Straight to the descriptor: a logger's buffer would die with the process.
  writeSync(STANDARD_ERROR, `fail-point ${name}: ${countdown.signal} to process ${process.pid}\n`);
  process.kill(process.pid, countdown.signal);
}

/**
 * Arms what the environment names (see the README); to be called once, before work begins. Throws a
 * FailPointError when the text has a mistake, and in production whatever it says.
 */
export function armFailPoints(env: Readonly<Record<string, string | undefined>>): void {
  const { FAIL_POINTS: text, FAIL_POINTS_FILE: file, NODE_ENV } = env;
  if (!text && !file) return;
  if (NODE_ENV === 'production') {
    throw new FailPointError('FAIL_POINTS and FAIL_POINTS_FILE must not be set in production');
  }
  if (text) arm(text);
  if (file) process.on('SIGUSR2', () => arm(readFileSync(file, 'utf8')));
}

function arm(text: string): void {
  const points = parseFailPoints(text, FAIL_POINTS);
  armed = new Map(
    points.map(({ name, pass, action }) => [
      name,
      { passesLeft: pass, signal: action === 'kill' ? 'SIGKILL' : 'SIGSTOP' },
    ]),
  );
}
