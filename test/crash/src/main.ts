import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { progressOn } from '../../../load-tests/src/bench/progress.js';
import { HELP, parseCrashOptions, UsageError } from './options.js';
import { judgeRun, reportJson, reportLines, reportMarkdown } from './report.js';
import { runOnRigs } from './rigs.js';

async function crash(args: readonly string[]): Promise<number> {
  const options = parseCrashOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-crash-'));
  const progress = progressOn(process.stderr);
  const outcome = await runOnRigs(options, folder, progress).catch((error: unknown) => {
    progress.say(`data, logs and acknowledgements are left in ${folder}`);
    throw error;
  });
  const { passed } = judgeRun(outcome);
  if (options.reportFile !== undefined) {
    writeFileSync(resolve(options.reportFile), reportMarkdown(outcome, Date.now()));
  }
  for (const line of reportLines(outcome)) process.stdout.write(`${line}\n`);
  if (passed && !options.keep) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  else progress.say(`data, logs and acknowledgements are left in ${folder}`);
  if (options.json) process.stdout.write(`${JSON.stringify(reportJson(outcome))}\n`);
  return passed ? 0 : 1;
}

try {
  process.exitCode = await crash(process.argv.slice(2));
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`npm run test:crash: ${text}\n`);
  if (error instanceof UsageError) process.stderr.write('See npm run test:crash -- --help\n');
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// Sockets of health checks that are still open must not hold the program back.
process.exit();
