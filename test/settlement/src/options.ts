import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { FAULTS } from './faults/catalogue.js';
import type { Fault } from './faults/fault.js';

/** What one run does. */
export type SettlementOptions = {
  readonly help: boolean;
  /** Faults in all, taken in turn. */
  readonly rounds: number;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** How long a leader is paused. */
  readonly pauseSeconds: number;
  readonly json: boolean;
  /** File for the report in Markdown. */
  readonly reportFile: string | undefined;
  /** Leave data and logs behind. */
  readonly keep: boolean;
};

/** The caller's mistake, in one sentence per line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Longer than a leader that does nothing keeps its lock. */
const PAUSE_SECONDS_MIN = 12;

const NAMES = FAULTS.map(({ name }) => name);

/** Those of the short form: one of each kind that takes no long waits. */
export const SHORT: readonly string[] = [
  'settlement.after-plan',
  'settlement.after-signed',
  'settlement.after-broadcast',
  'settlement.before-scan-stored',
  'settlement.after-report',
  'settlement.after-credit',
  'settlement.after-claimed',
  'settlement.after-release-signed',
  'settlement.after-given-back',
  'fork.payout-drop',
  'fork.deposit-return',
  'chain.included-after-expiry',
  'chain.revert',
  'chain.out-of-energy',
  'chain.out-of-time',
  'chain.fee-limit-cut',
  'chain.fails-for-good',
  'node.lies-about-success',
  'node.says-duplicate-and-drops-it',
  'node.false-inclusion',
  'node.has-no-bandwidth',
  'wallet.out-of-trx',
  'wallet.out-of-energy',
  'wallet.out-of-bandwidth',
  'wallet.permissions-changed',
  'ledger.wrong-units',
  'deposits.fake',
  'claims.claim.undone',
  'claims.release.false-solid',
  'claims.last-moment',
  'settlement.after-leaving',
  'settlement.after-epoch-broadcast',
  'leader.paused-before-broadcast',
];

export const HELP = `usage: npm run test:settlement -- [options]
Starts Postgres, Kafka, the local TRON chain, balance and settlement in a folder of their own, pays in and out without
pause, kills settlement and lets chain and nodes lie. After each fault everything must come to rest, and a checker that
believes only the chain's blocks, what was asked for and the journal looks for anything paid or credited twice, or lost.

  --rounds N       faults in all, one kind after the other (default: one of each kind)
  --faults A,B     only these kinds:
${NAMES.map((name) => `                     ${name}`).join('\n')}
  --short          the ${SHORT.length} kinds that npm test runs
  --pause S        seconds that a leader is paused, once for each kind; 13 after that (default 60, least 12)
  --seed S         repeats amounts, moments and depths, as far as processes can repeat anything
  --json           print the result as one JSON object on the last line
  --report FILE    write the report as Markdown
  --keep           leave the folder with data and logs; after a failure it always stays
  --help

Exits 0 when every fault bit, everything came to rest and nothing was found; 1 when not; 2 when it could not run.
`;

/** Reads the command line. Throws a UsageError that lists every mistake. */
export function parseSettlementOptions(args: readonly string[]): SettlementOptions {
  const values = parse(args);
  const mistakes: string[] = [];
  const integer = (name: 'rounds' | 'seed' | 'pause', fallback: number, max: number, min = 1) => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    mistakes.push(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
    return fallback;
  };
  const names = values.faults?.split(',') ?? (values.short === true ? SHORT : NAMES);
  for (const name of names) {
    if (!NAMES.includes(name)) mistakes.push(`--faults: there is no fault "${name}"`);
  }
  const faults = FAULTS.filter(({ name }) => names.includes(name));
  const options: SettlementOptions = {
    help: values.help === true,
    rounds: integer('rounds', faults.length, 100_000),
    faults,
    seed: integer('seed', randomInt(1, 2 ** 31), 2 ** 31),
    pauseSeconds: integer('pause', 60, 600, PAUSE_SECONDS_MIN),
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
        faults: { type: 'string' },
        short: { type: 'boolean' },
        pause: { type: 'string' },
        seed: { type: 'string' },
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
