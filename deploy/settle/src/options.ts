import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Env, hostPort } from '#libs/config';
import { repositoryRoot } from '../../local/src/root.js';

/** A decision about batches that wait. */
export type DecisionOption = { readonly batchNo: bigint; readonly approve: boolean };

/** A settlement that is named by its address, wherever it runs. */
export type Remote = {
  /** host:port of its internal gRPC. */
  readonly address: string;
  /** File with the secret by which services know each other. */
  readonly tokenFile: string;
};

/** The command line. */
export type SettleOptions = {
  readonly help: boolean;
  /** State of the local stack, which is asked when no address is given. */
  readonly statePath: string;
  readonly remote: Remote | undefined;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly decisions: readonly DecisionOption[];
  /** Transactions of the hot wallet that are explained, hex, and what they were. */
  readonly explained: readonly string[];
  readonly reason: string;
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

  --dry-run         only show it, and the large batches that wait
  --yes             do not ask
  --approve N       let the large batch N be paid; may be repeated
  --reject N        give the payouts of the large batch N back to their owners; may be repeated
  --explain TXID    the transaction TXID, which the hot wallet has sent and settlement has not, is accounted for: it stops settlement
                    no longer (docs/runbook.md, "An unexplained transaction"); may be repeated
  --reason TEXT     what it was, kept for ever; wanted with --explain
  --operator NAME   who decides, kept with the batch or the transaction (default: the name you are logged in with)
  --note TEXT       why, kept with the batch and told to the owners of what is rejected
  --address H:P     settlement's internal gRPC, host:port, wherever it runs (default: SETTLEMENT_INTERNAL_URL, else the local stack)
  --token-file FILE the services' internal token, which that wants (default: INTERNAL_TOKEN_FILE)
  --state FILE      state of the local stack (default .data/state.json)
  --payouts N       a rehearsal of 1 to 20000 payouts: on a stack and a local chain of its own, which are removed afterwards.
                    Books the withdrawals, pays them, and compares ledger, settlement and chain payout by payout
  --json            the last line of standard output is one JSON object; everything else goes to standard error
  --help

Exits 0 when everything is paid, or waits for an operator; 1 when something failed, or settlement refused or did not answer;
2 when the command line is wrong, or there is no stack or token.
`;

const PAYOUTS_MAX = 20_000;

/** Reads the command line and the environment. Throws a UsageError that lists every mistake. */
export function parseOptions(args: readonly string[], env: Env = {}): SettleOptions {
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
  const explained = values.explain ?? [];
  for (const txid of explained) {
    if (!/^[0-9a-f]{64}$/i.test(txid)) {
      mistakes.push(`--explain must be a transaction id of 64 hexadecimal digits, not "${txid}"`);
    }
  }
  if (explained.length > 0 !== (values.reason !== undefined)) {
    mistakes.push('--explain and --reason go together');
  }
  const numbers = decisions.map(({ batchNo }) => batchNo);
  const decides = decisions.length > 0 || explained.length > 0;
  if (new Set(numbers).size < numbers.length) mistakes.push('a batch is decided once');
  const named = [values.state, values.address, values['token-file']].some((name) => name);
  if (values.payouts !== undefined && (named || decides || values['dry-run'])) {
    mistakes.push(
      '--payouts is a rehearsal: it takes no --state, --address, --dry-run, --approve, --reject or --explain',
    );
  }
  if (values['dry-run'] === true && (values.yes === true || decides)) {
    mistakes.push('--dry-run changes nothing: it takes no --yes, --approve, --reject or --explain');
  }
  const payouts = values.payouts;
  const options: SettleOptions = {
    help: values.help === true,
    statePath: resolve(values.state ?? join(repositoryRoot, '.data', 'state.json')),
    remote: remoteOf(values, env, mistakes),
    dryRun: values['dry-run'] === true,
    yes: values.yes === true,
    json: values.json === true,
    decisions,
    explained,
    reason: values.reason ?? '',
    operator: values.operator ?? userInfo().username,
    note: values.note ?? '',
    payouts:
      payouts === undefined ? undefined : Number(integer('payouts', payouts, BigInt(PAYOUTS_MAX))),
  };
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return options;
}

/** Options go before the environment, and a state file that is named before an address in the environment. */
function remoteOf(
  values: ReturnType<typeof parse>,
  env: Env,
  mistakes: string[],
): Remote | undefined {
  if (values.state !== undefined) {
    if (values.address !== undefined) mistakes.push('--state and --address are two settlements');
    return undefined;
  }
  // As for the services, an empty variable is none.
  const address = values.address ?? (env.SETTLEMENT_INTERNAL_URL || undefined);
  const tokenFile = values['token-file'] ?? (env.INTERNAL_TOKEN_FILE || undefined);
  if (address === undefined) {
    if (values['token-file'] !== undefined) mistakes.push('--token-file goes with --address');
    return undefined;
  }
  if (!hostPort().safeParse(address).success) {
    mistakes.push(`the address of settlement must be host:port, not "${address}"`);
  }
  if (tokenFile === undefined) {
    mistakes.push(`settlement at ${address} wants --token-file, or INTERNAL_TOKEN_FILE`);
  }
  return { address, tokenFile: tokenFile ?? '' };
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
        explain: { type: 'string', multiple: true },
        reason: { type: 'string' },
        operator: { type: 'string' },
        note: { type: 'string' },
        address: { type: 'string' },
        'token-file': { type: 'string' },
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
