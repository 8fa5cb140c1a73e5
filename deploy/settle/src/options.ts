import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../local/src/root.js';

/** A decision about batches that wait. */
export type DecisionOption = { readonly batchNo: bigint; readonly approve: boolean };

/** The command line. */
export type SettleOptions = {
  readonly help: boolean;
  readonly statePath: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly decisions: readonly DecisionOption[];
  readonly operator: string;
  readonly note: string;
  /** Withdrawals of the rehearsal on a stack of its own; undefined without one. */
  readonly payouts: number | undefined;
};

/** The caller's mistakes, one sentence per line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `usage: npm run settle -- [options]
Shows what settlement would pay now and what that costs, asks, pays it, and follows it until it is solidified.

  --dry-run         only show it
  --yes             do not ask
  --approve N       let the large batch N be paid; may be repeated
  --reject N        give the payouts of the large batch N back to their owners; may be repeated
  --operator NAME   who decides, kept with the batch (default: the name you are logged in with)
  --note TEXT       why, kept with the batch and told to the owners of what is rejected
  --state FILE      state of the stack (default .data/state.json)
  --payouts N       a rehearsal of 1 to 20000 payouts: on a stack and a local chain of its own, which are removed afterwards.
                    Books the withdrawals, pays them, and compares ledger, settlement and chain payout by payout
  --json            the last line of standard output is one JSON object; everything else goes to standard error
  --help

Exits 0 when everything is paid, or waits for an operator; 1 when something failed; 2 when it could not be asked for.
`;

const PAYOUTS_MAX = 20_000;

/** Reads the command line. Throws a UsageError that lists every mistake. */
export function parseOptions(args: readonly string[]): SettleOptions {
  const values = parse(args);
  const mistakes: string[] = [];
  const integer = (name: string, text: string, max: bigint) => {
    if (/^\d{1,18}$/.test(text) && BigInt(text) >= 1n && BigInt(text) <= max) return BigInt(text);
    mistakes.push(`--${name} must be a whole number from 1 to ${max}, not "${text}"`);
    return 1n;
  };
  const decisions = (['approve', 'reject'] as const).flatMap((name) =>
    (values[name] ?? []).map((text) => ({
      batchNo: integer(name, text, 10n ** 18n - 1n),
      approve: name === 'approve',
    })),
  );
  const numbers = decisions.map(({ batchNo }) => batchNo);
  if (new Set(numbers).size < numbers.length) mistakes.push('a batch is decided once');
  const alone = decisions.length > 0 || values['dry-run'] === true || values.state !== undefined;
  if (values.payouts !== undefined && alone) {
    mistakes.push(
      '--payouts is a rehearsal: it takes no --state, --dry-run, --approve or --reject',
    );
  }
  if (values['dry-run'] === true && (values.yes === true || decisions.length > 0)) {
    mistakes.push('--dry-run changes nothing: it takes no --yes, --approve or --reject');
  }
  const payouts = values.payouts;
  const options: SettleOptions = {
    help: values.help === true,
    statePath: resolve(values.state ?? join(repositoryRoot, '.data', 'state.json')),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
    json: values.json === true,
    decisions,
    operator: values.operator ?? userInfo().username,
    note: values.note ?? '',
    payouts:
      payouts === undefined ? undefined : Number(integer('payouts', payouts, BigInt(PAYOUTS_MAX))),
  };
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'dry-run': { type: 'boolean' },
        yes: { type: 'boolean' },
        approve: { type: 'string', multiple: true },
        reject: { type: 'string', multiple: true },
        operator: { type: 'string' },
        note: { type: 'string' },
        state: { type: 'string' },
        payouts: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
