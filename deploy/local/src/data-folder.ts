import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where everything of one local stack lives. All of it can be deleted; nothing is written outside. */
export interface DataFolder {
  readonly path: string;
  readonly lock: string;
  readonly state: string;
  readonly ports: string;
  readonly network: string;
  readonly logs: string;
  readonly secrets: string;
  readonly postgres: string;
  readonly kafka: string;
  readonly chain: string;
}

export function dataFolder(path: string): DataFolder {
  const root = resolve(path);
  return {
    path: root,
    lock: join(root, 'lock.json'),
    state: join(root, 'state.json'),
    ports: join(root, 'ports.json'),
    network: join(root, 'network.json'),
    logs: join(root, 'logs'),
    secrets: join(root, 'secrets'),
    postgres: join(root, 'postgres'),
    kafka: join(root, 'kafka'),
    chain: join(root, 'chain'),
  };
}

/**
 * Makes the folder and its fixed subfolders. The folder itself may be passed through, as Postgres
 * runs as another user when we are root; what is secret lies in closed subfolders and files.
 */
export function createDataFolder(path: string): DataFolder {
  const folder = dataFolder(path);
  mkdirSync(folder.path, { recursive: true, mode: 0o711 });
  for (const each of [folder.logs, folder.secrets, folder.chain]) {
    mkdirSync(each, { recursive: true, mode: 0o700 });
  }
  return folder;
}
