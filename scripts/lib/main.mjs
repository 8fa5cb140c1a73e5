import { build, isBuilt } from './build.mjs';
import { COMMANDS } from './commands.mjs';
import { install, isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { inRoot } from './paths.mjs';

function helpText() {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`,
  );
  return `usage: node scripts/run.mjs <command> [arguments]   (npm run <command> -- [arguments])

${lines.join('\n')}

Dependencies are installed and sources built first, when they have changed. Help on one command: <command> --help
`;
}

/** Installs and builds what the command needs; simultaneous runs wait for each other. Returns an exit code. */
async function prepare(command) {
  if (isInstalled() && (!command.builds || isBuilt())) return 0;
  const onWait = (pid) =>
    process.stderr.write(`Waiting for the install or build of process ${pid} …\n`);
  return await withLock(
    inRoot('.cache', 'build.lock'),
    async () => {
      const installed = isInstalled() ? 0 : await install();
      if (installed !== 0 || !command.builds) return installed;
      return await build();
    },
    onWait,
  );
}

/** Runs one command. `startedAtMs` is when the user asked for it. Returns an exit code. */
export async function main([name, ...args], startedAtMs) {
  const wantsHelp = args.includes('--help') || args.includes('-h');
  if (name === undefined || name === '--help' || name === '-h') {
    process.stdout.write(helpText());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) {
    process.stderr.write(`no command "${name}"\n\n${helpText()}`);
    return 2;
  }
  if (wantsHelp && !command.ownHelp) {
    process.stdout.write(`${command.usage}\n${command.summary}\n`);
    return 0;
  }
  const prepared = await prepare(command);
  return prepared === 0 ? await command.run(args, startedAtMs) : prepared;
}
