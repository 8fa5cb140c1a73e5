import { join } from 'node:path';
import { Database } from '#libs/database';
import { repositoryRoot } from '../../local/src/root.js';
import { describe } from './difference.js';
import { Progress } from './display.js';
import { explain } from './hint.js';
import { checkInclusion, proofOf } from './inclusion.js';
import { HELP, parseOptions, UsageError, type VerifyOptions } from './options.js';
import { readProof } from './proof-file.js';
import { chainOf, type Sources, sourcesOf } from './sources.js';
import { assertChain, type OnChain } from './vault.js';
import { verifyAll } from './verify.js';

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseOptions(args, join(repositoryRoot, '.data'));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const sources = sourcesOf(env, options.dataDir);
  const on = { chain: chainOf(sources), place: sources.place };
  await assertChain(on);
  return options.account === undefined
    ? await everything(options, sources, on)
    : await oneAccount(options, options.account, sources, on);
}

async function everything(
  options: VerifyOptions,
  sources: Sources,
  { chain, place }: OnChain,
): Promise<number> {
  const out = options.json ? process.stderr : process.stdout;
  const progress = new Progress(out);
  const database = openDatabase(sources);
  try {
    const verdict = await verifyAll(database, chain, place, (...told) => progress.show(...told));
    progress.done();
    const { difference, checks, notes } = verdict;
    const rows = checks.reduce((sum, each) => sum + each.rows, 0);
    for (const note of notes) out.write(`${note}\n`);
    out.write(
      difference === undefined
        ? `everything agrees: ${checks.length} checks over ${rows} rows\n`
        : `DIFFERS: ${describe(difference)}\n`,
    );
    if (options.json) print({ ok: difference === undefined, rows, checks, difference, notes });
    return difference === undefined ? 0 : 1;
  } finally {
    await database.close();
  }
}

async function oneAccount(
  options: VerifyOptions,
  account: string,
  sources: Sources,
  on: OnChain,
): Promise<number> {
  const out = options.json ? process.stderr : process.stdout;
  const proof =
    options.proofPath === undefined
      ? await proven(options, account, sources)
      : readProof(options.proofPath);
  if (
    options.epochNo !== undefined &&
    typeof proof !== 'string' &&
    proof.epochNo !== options.epochNo
  ) {
    throw new UsageError(`the proof is of epoch ${proof.epochNo}`);
  }
  const checked =
    typeof proof === 'string'
      ? { epochNo: options.epochNo ?? 0n, units: 0n, problem: proof }
      : await checkInclusion(on, account, proof);
  const { epochNo, units, problem } = checked;
  out.write(
    problem === ''
      ? `${account} owns ${units} units in epoch ${epochNo}, by the root on the chain\n`
      : `NOT PROVEN: ${problem}\n`,
  );
  if (options.json) print({ ok: problem === '', account, epochNo, units, problem });
  return problem === '' ? 0 : 1;
}

async function proven(options: VerifyOptions, account: string, sources: Sources) {
  const database = openDatabase(sources);
  try {
    return await proofOf(database, account, options.epochNo);
  } finally {
    await database.close();
  }
}

function openDatabase({ databaseUrl }: Sources): Database {
  if (databaseUrl === undefined) {
    throw new UsageError('verify needs DATABASE_URL, or a stack started by npm start');
  }
  return new Database({
    url: databaseUrl,
    applicationName: 'swarmledger-verify',
    connectionsMax: 1,
  });
}

// Units are text in JSON, since a JSON number cannot hold them all.
function print(value: object): void {
  const text = JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' ? each.toString() : each,
  );
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 2;
}
