import { NoServerError } from '../../local/src/server-sources.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { rehearse } from './rehearsal/rehearse.js';
import { reportJson, reportText } from './rehearsal/report.js';
import { settle } from './settle.js';

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const options = parseOptions(args, process.env);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const out = options.json ? process.stderr : process.stdout;
  if (options.payouts !== undefined) {
    const result = await rehearse(options.payouts, out, signal);
    for (const line of reportText(result)) out.write(`${line}\n`);
    if (options.json) process.stdout.write(`${reportJson(result)}\n`);
    return result.conserved && result.differences.length === 0 ? 0 : 1;
  }
  const result = await settle(options, out, signal);
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.failed === 0 ? 0 : 1;
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => controller.abort(new Error(`ended by ${name}`)));
}
try {
  process.exitCode = await main(process.argv.slice(2), controller.signal);
} catch (error) {
  // What fails because the stack was told to stop is not why the run ended.
  const cause: unknown = controller.signal.aborted ? controller.signal.reason : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  process.stderr.write(`npm run settle: ${text}\n`);
  if (error instanceof UsageError) process.stderr.write('See npm run settle -- --help\n');
  process.exitCode = error instanceof UsageError || error instanceof NoServerError ? 2 : 1;
}
