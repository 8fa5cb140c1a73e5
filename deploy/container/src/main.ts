import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';
import { parseRole, ROLES } from './roles.js';

// Addresses that are known only after provisioning (contracts of the local chain) come from a file that the
// provisioning job writes. What the environment already holds wins over the file.
const environmentFile = process.env.STACK_ENV_FILE;
const role = parseRole(process.argv[2]);
if (typeof role === 'object') {
  process.stderr.write(`${role.mistake}\n`);
  process.exit(64);
}
if (environmentFile !== undefined && environmentFile !== '') {
  if (!existsSync(environmentFile)) {
    process.stderr.write(`STACK_ENV_FILE names ${environmentFile}, which does not exist\n`);
    process.exit(78);
  }
  loadEnvFile(environmentFile);
}
// The service runs in this very process, so it gets the signals of the container itself.
await import(new URL(`../../../${ROLES[role]}`, import.meta.url).href);
