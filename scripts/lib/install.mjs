import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { inRoot, projectNode } from './paths.mjs';
import { runInForeground } from './process.mjs';

const STAMP = inRoot('node_modules', '.swarmledger-lock');

export function lockHash(text) {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * True when npm's own record of what it put into node_modules has every package of the lock in the
 * locked form. Optional ones are for other platforms.
 */
export function recordMatchesLock(lock, record) {
  return Object.entries(lock.packages ?? {}).every(([path, wanted]) => {
    if (path === '' || wanted.optional || wanted.devOptional || wanted.link) return true;
    const present = record.packages?.[path];
    return present?.version === wanted.version && present?.integrity === wanted.integrity;
  });
}

/** An install by npm itself (`npm ci`, `npm install`) counts too, if it was of this lock. */
function npmInstalledLock(lockText) {
  try {
    const record = readFileSync(inRoot('node_modules', '.package-lock.json'), 'utf8');
    return recordMatchesLock(JSON.parse(lockText), JSON.parse(record));
  } catch {
    return false;
  }
}

/** True when the installed packages are those of package-lock.json. */
export function isInstalled() {
  if (!projectNode()) return false;
  const lockText = readFileSync(inRoot('package-lock.json'), 'utf8');
  const hash = lockHash(lockText);
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return true;
  if (!npmInstalledLock(lockText)) return false;
  writeFileSync(STAMP, hash);
  return true;
}

/** Installs the locked packages with the machine's npm. Returns an exit code. */
export async function install() {
  process.stderr.write('Installing the locked dependencies, Node 24 among them (npm ci) …\n');
  rmSync(STAMP, { force: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // The packages want Node 24, which this very install brings: the machine's Node need not satisfy them.
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--engine-strict=false',
    '--include=dev',
  ];
  const code = await runInForeground(npm, args, { ...process.env, NODE_ENV: '' }, ['ignore', 2, 2]);
  if (code !== 0) {
    process.stderr.write(
      `\nThe install failed (npm ci ended with ${code}): see npm's message above; is the npm registry reachable? Nothing was started.\n`,
    );
    return code;
  }
  if (!projectNode()) {
    process.stderr.write(
      '\nThe install brought no Node 24 for this platform (npm package "node"). Nothing was started.\n',
    );
    return 1;
  }
  writeFileSync(STAMP, lockHash(readFileSync(inRoot('package-lock.json'), 'utf8')));
  return 0;
}
