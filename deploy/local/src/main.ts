import { downCommand, resetCommand, statusCommand } from './commands.js';
import { helpText, type LauncherOptions, parseLauncherArguments, UsageError } from './options.js';
import { NoServerError } from './server-sources.js';
import { startCommand } from './start.command.js';

async function runCommand(options: LauncherOptions): Promise<number> {
  if (options.help) {
    process.stdout.write(helpText(options.command));
    return 0;
  }
  switch (options.command) {
    case 'start':
    case 'demo':
      return await startCommand(options);
    case 'status':
      return statusCommand(options);
    case 'down':
      return await downCommand(options);
    case 'reset':
      return await resetCommand(options);
  }
}

try {
  process.exitCode = await runCommand(parseLauncherArguments(process.argv.slice(2)));
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`\n${text}\n`);
  process.exitCode = error instanceof UsageError || error instanceof NoServerError ? 2 : 1;
}
// Sockets of health checks that are still open must not hold a stopped launcher back.
process.exit();
