import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The repository's top folder, found by walking up from this file: the same code runs from
 * `deploy/local/src` under the test runner and from `dist/deploy/local/src` once compiled.
 */
export function findRepositoryRoot(from: string = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'swarmledger') {
      return folder;
    }
    if (dirname(folder) === folder) throw new Error(`no swarmledger package.json above ${from}`);
  }
}

export const repositoryRoot = findRepositoryRoot();

/** A compiled file, named by its path under `dist/`. */
export function compiled(path: string): string {
  return join(repositoryRoot, 'dist', path);
}

/** Node keeps compiled code here, so that the next start of a service does not parse it all again. */
export const compileCache = { NODE_COMPILE_CACHE: join(repositoryRoot, '.cache', 'node') } as const;
