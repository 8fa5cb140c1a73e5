import { randomInt } from 'node:crypto';
import { runDemo } from './demo.js';
import { HELP, parseOptions, UsageError } from './options.js';
import { readStack } from './stack.js';
import { firstStartSeconds, summaryJson, summaryTable } from './summary.js';

async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const options = parseOptions(args, randomInt(2 ** 32 - 1));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const out = options.json ? process.stderr : process.stdout;
  const stack = readStack(options.statePath);
  const firstStart = firstStartSeconds(env.FIRST_START_SECONDS);
  const summary = await runDemo(stack, options, out, firstStart);
  out.write(`\n${summaryTable(summary, out.isTTY === true)}\n\n`);
  for (const line of summary.differences) out.write(`WRONG: ${line}\n`);
  if (options.json) process.stdout.write(`${summaryJson(summary)}\n`);
  return summary.conserved && summary.differences.length === 0 ? 0 : 1;
}

// Exit handlers delete the files of the download; a signal alone would skip them.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\nSee --help.\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`The demo stopped: ${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 1;
  }
}
// Sockets of the BitTorrent packages may linger; nothing is left to wait for.
process.exit();
