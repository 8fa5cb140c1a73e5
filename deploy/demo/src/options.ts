import { parseArgs } from 'node:util';

/** The demo's command line. */
export type DemoOptions = {
  readonly help: boolean;
  readonly statePath: string;
  readonly json: boolean;
  readonly payments: number;
  readonly fileMib: number;
  readonly seed: number;
};

/** A mistake of the user, told without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `node dist/deploy/demo/src/main.js --state FILE [options]
Runs the main job of the ledger in small against a running stack: deposits on the TRON chain, an
auction, payments piece by piece (one pair is a real BitTorrent download), refusals, withdrawals and
a settlement batch; then proves that no unit was lost or made. Exits 0 when every figure is right.

  --state FILE      state.json of the stack
  --json            the last line of standard output is one JSON object; progress goes to standard error
  --payments N      payments in all, 100 to 1000000 (default 24000)
  --file-mib N      size of the downloaded file, 1 to 1024 MiB (default 32)
  --seed N          decides amounts and prices (default random); keys and files are always new
`;

/** Reads the command line; throws a UsageError that says what is wrong. */
export function parseOptions(args: readonly string[], randomSeed: number): DemoOptions {
  const values = read(args);
  const help = values.help === true;
  const statePath = String(values.state ?? '');
  if (statePath === '' && !help) throw new UsageError('--state FILE is missing');
  return {
    help,
    statePath,
    json: values.json === true,
    payments: integer('payments', values.payments, 24_000, 100, 1_000_000),
    fileMib: integer('file-mib', values['file-mib'], 32, 1, 1024),
    seed: integer('seed', values.seed, randomSeed, 0, 2 ** 32 - 1),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        state: { type: 'string' },
        json: { type: 'boolean' },
        payments: { type: 'string' },
        'file-mib': { type: 'string' },
        seed: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function integer(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name} ${text}: expected a whole number from ${min} to ${max}`);
  }
  return value;
}
