import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The repository's top folder. */
export const root = resolve(
  import.meta.dirname ?? dirname(new URL(import.meta.url).pathname),
  '../..',
);

export const inRoot = (...parts) => join(root, ...parts);

const program = process.platform === 'win32' ? 'node.exe' : 'node';

/**
 * The project's own Node as a real file: the link that npm makes for it, or, where install scripts
 * were not run, the program inside the platform's package. Undefined when it is not installed.
 */
export function projectNode(modules = inRoot('node_modules')) {
  const candidates = [join(modules, '.bin', program), join(modules, 'node', 'bin', program)];
  for (const folder of [join(modules, 'node', 'node_modules'), modules]) {
    if (!existsSync(folder)) continue;
    const packages = readdirSync(folder).filter(
      (name) => name.startsWith('node-bin-') || /^node-(linux|darwin|win)-/.test(name),
    );
    for (const name of packages) candidates.push(join(folder, name, 'bin', program));
  }
  const found = candidates.find((path) => existsSync(path));
  return found && realpathSync(found);
}

/** The environment of commands: tools of the project come first on PATH, its Node among them. */
export function toolEnvironment(extra = {}) {
  const separator = process.platform === 'win32' ? ';' : ':';
  return {
    ...process.env,
    PATH: `${inRoot('node_modules', '.bin')}${separator}${process.env.PATH ?? ''}`,
    // kafkajs sets timers in the past, which is harmless and which Node 24 complains about.
    NODE_OPTIONS:
      `${process.env.NODE_OPTIONS ?? ''} --disable-warning=TimeoutNegativeWarning`.trim(),
    ...extra,
  };
}

export const tool = (name) => inRoot('node_modules', '.bin', name);
