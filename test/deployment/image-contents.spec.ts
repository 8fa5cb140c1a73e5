import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../deploy/checks/src/tools.js';
import { ROLES } from '../../deploy/container/src/roles.js';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};

/** Modules that a source file needs when it runs; `import type` leaves nothing behind. */
function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /^(?:import|export)\s(?!type\b)(?:[^'";]*?\sfrom\s)?'([^']+)'|(?<!typeof )\bimport\('([^']+)'\)/gm,
  );
  return [...statements].flatMap(([, named, dynamic]) => named ?? dynamic ?? []);
}

/** Every file and package that starts from an entry, by the source tree. */
function reach(entry: string): { files: Set<string>; packages: Map<string, string> } {
  const files = new Set<string>();
  const packages = new Map<string, string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const name of importsOf(readFileSync(file, 'utf8'))) {
      if (name.startsWith('#libs/')) visit(join(ROOT, 'libs', name.slice(6), 'src/index.ts'));
      else if (name.endsWith('.json')) continue;
      else if (name.startsWith('.')) visit(join(dirname(file), name.replace(/\.js$/, '.ts')));
      else if (!name.startsWith('node:') && !builtinModules.includes(name)) {
        const parts = name.split('/');
        const top = name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
        packages.set(top, relative(ROOT, file));
      }
    }
  };
  visit(entry);
  return { files, packages };
}

const entries = [...Object.values(ROLES), 'contracts/src/provision.js']
  .map((path) => path.replace(/\.js$/, '.ts'))
  // The chain has a target of its own, with development dependencies.
  .filter((path) => !path.startsWith('libs/devchain'));

describe.each(entries)('%s in the production image', (entry) => {
  it('imports production dependencies only', () => {
    for (const [name, file] of reach(join(ROOT, entry)).packages) {
      expect(Object.keys(manifest.dependencies), `${file} imports ${name}`).toContain(name);
    }
  });

  it('reaches no file that the builder does not get', () => {
    for (const file of reach(join(ROOT, entry)).files) {
      expect(existsSync(file)).toBe(true);
      expect(relative(ROOT, file)).not.toMatch(
        /^(libs\/testing|deploy\/(?!container|provision))\/|(^|\/)test\/|\.spec\.ts$/,
      );
    }
  });
});
