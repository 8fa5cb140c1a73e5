import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, projectNode, root, tool, toolEnvironment } from './paths.mjs';
import { runQuietly } from './process.mjs';

const STAMP = inRoot('dist', '.built');
const SOURCE_FOLDERS = ['libs', 'services', 'deploy', 'test', 'load-tests', 'contracts'];
const CONFIGS = ['tsconfig.json', 'package.json'];

/** Paths of all TypeScript and JSON sources below a folder. */
export function* sourceFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules') yield* sourceFiles(path);
    } else if (/\.(ts|mts|cts|json)$/.test(entry.name)) yield path;
  }
}

/** A fingerprint of all sources by name, size and time: reading them all would cost more than it tells. */
export function fingerprint(top = root) {
  const hash = createHash('sha256');
  const folders = SOURCE_FOLDERS.map((name) => join(top, name)).filter((path) => existsSync(path));
  const files = [
    ...folders.flatMap((path) => [...sourceFiles(path)]),
    ...CONFIGS.map((c) => join(top, c)),
  ];
  for (const path of files.sort()) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

export function isBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

/** Compiles to dist/, only what changed. Returns { code, output, seconds }. */
export async function compile() {
  const before = fingerprint();
  const args = [tool('tsc'), '-p', 'tsconfig.json', '--pretty'];
  const result = await runQuietly(projectNode(), args, toolEnvironment());
  if (result.code === 0) writeFileSync(STAMP, before);
  return result;
}

/** Builds if a source changed. Returns an exit code. */
export async function build({ force = false } = {}) {
  if (!force && isBuilt()) return 0;
  process.stderr.write('Building …\n');
  const { code, output, seconds } = await compile();
  if (code !== 0) process.stderr.write(`${output}\nThe build failed.\n`);
  else process.stderr.write(`Built in ${seconds.toFixed(1)} s\n`);
  return code;
}
