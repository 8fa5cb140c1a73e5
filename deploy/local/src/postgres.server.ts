import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import postgres from 'postgres';
import { databaseUrl, platformPackage, postgresArguments } from './postgres-config.js';
import { repositoryRoot } from './root.js';
import type { ProcessSpec, Restart } from './supervised-process.js';
import { chooseRunner, type Runner, runAs } from './unprivileged.js';

const USER = 'swarmledger';
export const DATABASE = 'swarmledger';

export interface PostgresOptions {
  readonly folder: string;
  readonly logFile: string;
  readonly port: number;
  readonly password: string;
  /** Server settings on top of the usual ones. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly restart: Restart;
}

/** Folder of the server's programs, or undefined when npm has none for this platform. */
export function postgresPrograms(): string | undefined {
  const name = platformPackage(process.platform, process.arch);
  const native = join(repositoryRoot, 'node_modules', name, 'native');
  return existsSync(join(native, 'bin')) ? native : undefined;
}

/**
 * The libraries are found through links that the package makes by an install script; npm may have
 * been told not to run scripts, so missing links are made here.
 */
function ensureLibraryLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, '..', target);
    if (existsSync(path)) continue;
    symlinkSync(relative(dirname(path), join(native, '..', source)), path);
  }
}

/** True when this runner can execute the server and enter the data folder. */
function runnerWorks(runner: Runner, program: string, folder: string): boolean {
  if (runner.owner) chownSync(folder, runner.owner.uid, runner.owner.gid);
  const script = 'test -x "$1" && test -w "$2" && cd "$2" && exec "$1" --version';
  return runAs(runner, '/bin/sh', ['-c', script, 'probe', program, folder]).status === 0;
}

function initialise(runner: Runner, bin: string, options: PostgresOptions): void {
  const fresh = `${options.folder}.new`;
  const passwordFile = `${options.folder}.password`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, options.password, { mode: 0o600 });
  if (runner.owner) {
    for (const path of [fresh, passwordFile]) chownSync(path, runner.owner.uid, runner.owner.gid);
  }
  const result = runAs(runner, join(bin, 'initdb'), [
    `--pgdata=${fresh}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--data-checksums',
    '--no-sync',
  ]);
  rmSync(passwordFile, { force: true });
  if (result.status !== 0) {
    throw new Error(`initdb failed: ${result.error?.message ?? result.stderr.trim()}`);
  }
  // Only a finished cluster gets the final name, so a start that was killed here begins anew.
  rmSync(options.folder, { recursive: true, force: true });
  renameSync(fresh, options.folder);
}

/** Data made under another way of not being root is handed to the present owner. */
function ensureOwner(runner: Runner, folder: string): void {
  if (!runner.owner || statSync(join(folder, 'PG_VERSION')).uid === runner.owner.uid) return;
  spawnSync('chown', ['-R', `${runner.owner.uid}:${runner.owner.gid}`, folder]);
}

/** One query on a connection of its own; used for health and for creating the database. */
export async function withConnection<T>(
  url: string,
  use: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 1 }).catch(() => undefined);
  }
}

export async function postgresAnswers(url: string): Promise<boolean> {
  try {
    await withConnection(url, (sql) => sql`select 1`);
    return true;
  } catch {
    return false;
  }
}

/** Creates the ledger's database on a server that has none yet. */
export async function ensureDatabase(maintenanceUrl: string): Promise<void> {
  await withConnection(maintenanceUrl, async (sql) => {
    const found = await sql`select 1 from pg_database where datname = ${DATABASE}`;
    if (found.length === 0) await sql.unsafe(`create database ${DATABASE}`);
  });
}

export interface PostgresPiece {
  readonly spec: ProcessSpec;
  readonly url: string;
  readonly maintenanceUrl: string;
}

/** Prepares the cluster (made on first use) and says how to run it. */
export function preparePostgres(options: PostgresOptions): PostgresPiece {
  const native = postgresPrograms();
  if (!native) throw new Error('no Postgres programs for this platform');
  ensureLibraryLinks(native);
  const bin = join(native, 'bin');
  const program = join(bin, 'postgres');
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const runner = chooseRunner((candidate) => runnerWorks(candidate, program, options.folder));
  if (existsSync(join(options.folder, 'PG_VERSION'))) ensureOwner(runner, options.folder);
  else initialise(runner, bin, options);
  const [command = program, ...args] = [
    ...runner.prefix,
    program,
    ...postgresArguments(options.folder, options.port, options.settings),
  ];
  const address = { user: USER, password: options.password, port: options.port };
  const maintenanceUrl = databaseUrl({ ...address, database: 'postgres' });
  return {
    url: databaseUrl({ ...address, database: DATABASE }),
    maintenanceUrl,
    spec: {
      name: 'postgres',
      command,
      args,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      cwd: options.folder,
      logFile: options.logFile,
      stopSignal: 'SIGINT',
      ...(runner.uid === undefined ? {} : { uid: runner.uid }),
      ...(runner.gid === undefined ? {} : { gid: runner.gid }),
      isReady: () => postgresAnswers(maintenanceUrl),
      readyTimeoutMs: 60_000,
      restart: options.restart,
      startRetries: 6,
    },
  };
}
