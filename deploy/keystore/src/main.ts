import { KeystoreError } from '#libs/tron';
import { keystoreCommand } from './keystore.command.js';
import { HELP, parseKeystoreArguments, UsageError } from './options.js';

try {
  const options = parseKeystoreArguments(process.argv.slice(2));
  process.stdout.write(options.command === 'help' ? HELP : `${await keystoreCommand(options)}\n`);
} catch (error) {
  const isOurs = error instanceof KeystoreError || error instanceof UsageError;
  process.stderr.write(`${isOurs ? error.message : `unexpected: ${error}`}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
