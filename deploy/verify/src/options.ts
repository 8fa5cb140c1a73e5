import { parseArgs } from 'node:util';
import { isAddress } from '#libs/domain';

/** A mistake of the user, told without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command line. */
export type VerifyOptions = {
  readonly help: boolean;
  readonly json: boolean;
  readonly dataDir: string;
  readonly account: string | undefined;
  /** The newest one when undefined. */
  readonly epochNo: bigint | undefined;
  readonly proofPath: string | undefined;
};

export const HELP = `npm run verify -- [options]
Replays the journal and compares everything with it: hash chains, balances, channels, holds, withdrawals,
deposits, signatures of claims, batches against the chain, the last epoch against the chain, reserves. Names the
first row that differs. Changes nothing.

  --account T…     check instead that an account is in an epoch, against the root on the chain
  --epoch N        in this epoch (default: the newest that is committed)
  --proof FILE     with a proof of your own ({"epoch":"N","leaf":"hex","proof":"hex"}): needs no database
  --json           the last line of standard output is one JSON object
  --data DIR       data folder of the stack (default .data)

Reads the database and the chain of the stack that runs or ran last (npm run status), or those of DATABASE_URL,
CHAIN_ID, VAULT_ADDRESS, TRC10_ID and TRON_NODE_URL, or TRON_NODE_URLS: several, of which two must agree;
TRON_API_KEY_FILE, TRON_TIMEOUT_MS and TRON_LAG_MAX_MS are as for settlement. Exits 0 when everything agrees, 1
when something differs, 2 when it could not be checked.
`;

/** Reads the command line; throws a UsageError that says what is wrong. */
export function parseOptions(args: readonly string[], defaultDataDir: string): VerifyOptions {
  const values = read(args);
  const { account, epoch, proof } = values;
  if (account !== undefined && !isAddress(account)) {
    throw new UsageError(`--account ${account}: expected a TRON address`);
  }
  if (epoch !== undefined && !/^[1-9]\d{0,17}$/.test(epoch)) {
    throw new UsageError(`--epoch ${epoch}: expected a number from 1 on`);
  }
  if (account === undefined && (epoch !== undefined || proof !== undefined)) {
    throw new UsageError('--epoch and --proof go with --account');
  }
  return {
    help: values.help === true,
    json: values.json === true,
    dataDir: values.data ?? defaultDataDir,
    account,
    epochNo: epoch === undefined ? undefined : BigInt(epoch),
    proofPath: proof,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        data: { type: 'string' },
        account: { type: 'string' },
        epoch: { type: 'string' },
        proof: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
