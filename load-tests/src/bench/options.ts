import { parseArgs } from 'node:util';
import type { Choice } from './corpus/plan.js';
import { GROWTHS, type Growth } from './growths.js';
import { WORKLOADS, type WorkloadName } from './workloads.js';

/** What a run measures. */
export type BenchOptions = {
  readonly help: boolean;
  readonly only: readonly WorkloadName[];
  /** Length of a measurement. */
  readonly seconds: number;
  /** Payments a second; found by trying when undefined. */
  readonly itemsPerSecond: number | undefined;
  /** Channels of every workload, in place of its own number. */
  readonly channels: number | undefined;
  readonly choice: Exclude<Choice, 'round-robin'> | undefined;
  readonly scale: boolean;
  /** What grows with `scale`. */
  readonly curves: readonly Growth[];
  /** Writes the figures into docs/performance.md. */
  readonly document: boolean;
  readonly json: boolean;
  readonly dataDir: string | undefined;
};

/** The caller's mistakes, one sentence per line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `usage: npm run bench -- [options]
Measures how many payments a second the ledger acknowledges and applies on this machine, beside what the machine's
parts do alone. Starts Postgres, Kafka, balance and ingest for itself in .data/bench and removes them afterwards.
The first run signs its payments in advance and keeps them in .cache/bench.

  --only NAME,NAME  some of: ${WORKLOADS.join(', ')} (default all)
  --seconds N       length of a measurement after the warm-up of 12 s (default 60; with --scale 15)
  --rate N          payments a second; without it the highest rate that is sustained is looked for
  --channels N      open channels of each workload, rounded up to what its batches need
  --choice NAME     zipf or uniform: how compacted, ticks and bundles choose their channels
  --scale           measures growth instead: ingest replicas, partitions, open channels, journal rows; writes tables
                    and curves into docs/performance.md. Takes about half an hour
  --curves NAME,…   with --scale, some of: ${GROWTHS.join(', ')}
  --document        writes the table of this run into docs/performance.md
  --data DIR        folder of the stack's data, which is emptied first (default .data/bench)
  --json            prints the result as one JSON object on the last line
  --help

Exits 0 when everything acknowledged is in the ledger and the books balance, 1 when not, 2 when it could not run.
`;

const SECONDS = 60;
const SCALE_SECONDS = 15;

/** Reads the command line. Throws a UsageError that lists every mistake. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  const mistakes: string[] = [];
  const integer = (name: 'seconds' | 'rate' | 'channels', min: number, max: number) => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    mistakes.push(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
    return undefined;
  };
  const names = <T extends string>(option: 'only' | 'curves', known: readonly T[]): T[] =>
    (values[option]?.split(',') ?? known).flatMap((text) => {
      const name = known.find((each) => each === text);
      if (name === undefined)
        mistakes.push(`--${option} must name ${known.join(', ')}, not "${text}"`);
      return name === undefined ? [] : [name];
    });
  const only = names('only', WORKLOADS);
  const curves = names('curves', GROWTHS);
  const { choice } = values;
  if (choice !== undefined && choice !== 'zipf' && choice !== 'uniform') {
    mistakes.push(`--choice must be zipf or uniform, not "${choice}"`);
  }
  const scale = values.scale === true;
  const options: BenchOptions = {
    help: values.help === true,
    only,
    seconds: integer('seconds', 2, 3_600) ?? (scale ? SCALE_SECONDS : SECONDS),
    itemsPerSecond: integer('rate', 1, 10_000_000),
    channels: integer('channels', 1, 4_000_000),
    choice: choice === 'zipf' || choice === 'uniform' ? choice : undefined,
    scale,
    curves,
    document: values.document === true || scale,
    json: values.json === true,
    dataDir: values.data,
  };
  if (scale && (values.only ?? values.rate ?? values.channels) !== undefined) {
    mistakes.push('--scale chooses workload, rate and channels itself');
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        seconds: { type: 'string' },
        rate: { type: 'string' },
        channels: { type: 'string' },
        choice: { type: 'string' },
        scale: { type: 'boolean' },
        curves: { type: 'string' },
        document: { type: 'boolean' },
        data: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
