import { readFileSync, writeSync } from 'node:fs';
import { FailPointError, parseFailPoints } from './parse.js';

/** Fail-points on a payment's way, in the order in which it passes them. */
export const PAYMENT_POINTS = [
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

/** Fail-points on the ways between chain and ledger: a payout's, a deposit's, and what both share. */
export const SETTLEMENT_POINTS = [
  'settlement.before-plan',
  'settlement.after-plan',
  'settlement.before-signed',
  'settlement.after-signed',
  'settlement.before-broadcast',
  'settlement.after-broadcast',
  'settlement.after-broadcast-noted',
  'settlement.before-scan-stored',
  'settlement.after-scan-stored',
  'settlement.after-confirmed',
  'settlement.before-finished',
  'settlement.after-finished',
  'settlement.after-expired',
  'settlement.after-failed',
  'settlement.before-report',
  'settlement.after-report',
  'settlement.before-credit',
  'settlement.after-credit',
] as const;

/** Fail-points that only payouts pass which their payees claim. */
export const CLAIM_POINTS = [
  'settlement.after-deadline',
  'settlement.after-claimed',
  'settlement.before-release-signed',
  'settlement.after-release-signed',
  'settlement.before-release-broadcast',
  'settlement.after-release-broadcast',
  'settlement.after-release-noted',
  'settlement.after-release-confirmed',
  'settlement.after-release-ended',
  'settlement.before-given-back',
  'settlement.after-given-back',
] as const;

/** Fail-points of epochs, without which batches wait. */
export const EPOCH_POINTS = [
  'settlement.after-leaving',
  'settlement.after-epoch-stored',
  'settlement.before-epoch-signed',
  'settlement.after-epoch-signed',
  'settlement.before-epoch-broadcast',
  'settlement.after-epoch-broadcast',
  'settlement.after-epoch-noted',
  'settlement.after-epoch-confirmed',
  'settlement.after-epoch-expired',
  'settlement.after-epoch-committed',
  'settlement.after-epoch-failed',
] as const;

/** Fail-points of what operators say. */
export const OPERATOR_POINTS = [
  'settlement.before-explained',
  'settlement.after-explained',
] as const;

/** Every fail-point. */
export const FAIL_POINTS = [
  ...PAYMENT_POINTS,
  ...SETTLEMENT_POINTS,
  ...CLAIM_POINTS,
  ...EPOCH_POINTS,
  ...OPERATOR_POINTS,
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
