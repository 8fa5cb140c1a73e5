import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { CRASH_POINTS, type CrashPoint } from './points.js';

/** What one run does. */
export type CrashOptions = {
  readonly help: boolean;
  /** Faults at each point. */
  readonly rounds: number;
  readonly points: readonly CrashPoint[];
  readonly seed: number;
  readonly paymentsPerSecond: number;
  /** Whole systems that are killed beside one another. */
  readonly rigs: number;
  readonly json: boolean;
  /** File for the report in Markdown. */
  readonly reportFile: string | undefined;
  /** Leave data, logs and acknowledgements behind. */
  readonly keep: boolean;
};

/** The caller's mistake, in one sentence per line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const NAMES = CRASH_POINTS.map(({ name }) => name);

export const HELP = `usage: npm run test:crash -- [options]
Starts Postgres, Kafka, balance and ingest in a folder of their own, pays without pause, and kills them again and again:
at every fail-point, and Kafka and Postgres too. After each kill a checker that believes only the payer's own log of
acknowledgements and what stands in Postgres looks for anything lost, applied twice or out of balance.

  --rounds N       kills at each point (default 3)
  --points A,B     only these points:
${NAMES.map((name) => `                     ${name}`).join('\n')}
  --seed S         repeats the amounts and the moments of a run, as far as processes can repeat anything
  --rate N         payments a second, duplicates not counted (default 300)
  --rigs N         whole systems beside one another, 1 to 8, which share the points (default 1); each takes about 1.5 GiB
  --json           print the result as one JSON object on the last line
  --report FILE    write the report as Markdown
  --keep           leave the folder with data, logs and acknowledgements; after a failure it always stays
  --help

Exits 0 when every fault bit, everything recovered and nothing was found; 1 when not; 2 when it could not run.
`;

/** Reads the command line. Throws a UsageError that lists every mistake. */
export function parseCrashOptions(args: readonly string[]): CrashOptions {
  const values = parse(args);
  const mistakes: string[] = [];
  const integer = (name: 'rounds' | 'seed' | 'rate' | 'rigs', fallback: number, max: number) => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    mistakes.push(`--${name} must be a whole number from 1 to ${max}, not "${text}"`);
    return fallback;
  };
  const names = values.points?.split(',') ?? NAMES;
  for (const name of names) {
    if (!NAMES.includes(name)) mistakes.push(`--points: there is no point "${name}"`);
  }
  const options: CrashOptions = {
    help: values.help === true,
    rounds: integer('rounds', 3, 10_000),
    points: CRASH_POINTS.filter(({ name }) => names.includes(name)),
    seed: integer('seed', randomInt(1, 2 ** 31), 2 ** 31),
    paymentsPerSecond: integer('rate', 300, 10_000),
    rigs: integer('rigs', 1, 8),
    json: values.json === true,
    reportFile: values.report,
    keep: values.keep === true,
  };
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        points: { type: 'string' },
        seed: { type: 'string' },
        rate: { type: 'string' },
        rigs: { type: 'string' },
        json: { type: 'boolean' },
        report: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
