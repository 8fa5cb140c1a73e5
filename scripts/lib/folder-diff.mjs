import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

function* files(folder) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** How the second folder differs from the first: a line for each file that is missing, extra or changed. */
export function differences(wanted, present) {
  const names = (folder) => new Set([...files(folder)].map((path) => relative(folder, path)));
  const [want, have] = [names(wanted), names(present)];
  const lines = [];
  for (const name of [...want].sort()) {
    if (!have.has(name)) lines.push(`${name} is missing`);
    else if (!readFileSync(join(wanted, name)).equals(readFileSync(join(present, name))))
      lines.push(`${name} is stale`);
  }
  for (const name of [...have].sort()) if (!want.has(name)) lines.push(`${name} is left over`);
  return lines;
}
