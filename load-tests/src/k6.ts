import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineName } from './options.js';

/** The release that the script is written for. */
export const K6_VERSION = 'v1.3.0';
const K6_MODULE = 'go.k6.io/k6';
const K6_IMAGE = `grafana/k6:${K6_VERSION.slice(1)}`;
const INSTALL_TIMEOUT_MS = 1_800_000;

/** A program that runs the script. */
export type Engine =
  | { readonly kind: 'k6'; readonly path: string }
  | { readonly kind: 'docker'; readonly image: string }
  | { readonly kind: 'node' };

/** What the choice depends on; tests give their own. */
export type Surroundings = {
  readonly toolsFolder: string;
  /** True when `command args` exits with 0. */
  works(command: string, args: readonly string[]): boolean;
  install(toolsFolder: string): Promise<void>;
};

/** No engine can be had; the message says what to do. */
export class NoEngineError extends Error {
  override readonly name = 'NoEngineError';
}

/** Finds the engine: k6 from PATH, from `.cache/tools`, built by Go when that was asked for, else its Docker image. */
export async function findEngine(
  wanted: EngineName,
  installK6: boolean,
  around: Surroundings,
): Promise<Engine> {
  if (wanted === 'node') return { kind: 'node' };
  if (wanted !== 'docker') {
    if (around.works('k6', ['version'])) return { kind: 'k6', path: 'k6' };
    const path = join(around.toolsFolder, `k6-${K6_VERSION}`);
    if (around.works(path, ['version'])) return { kind: 'k6', path };
    if (installK6) {
      await around.install(around.toolsFolder);
      return { kind: 'k6', path };
    }
  }
  if (wanted !== 'k6' && around.works('docker', ['version', '--format', '{{.Server.Version}}'])) {
    return { kind: 'docker', image: K6_IMAGE };
  }
  throw new NoEngineError(
    `k6 is not on the PATH and ${wanted === 'k6' ? 'not in .cache/tools' : 'no Docker engine answers'}: install k6, ` +
      `add --install-k6 to build ${K6_VERSION} with Go (AGPL, kept in .cache/tools), start Docker, ` +
      'or use --engine node for a check without k6',
  );
}

/** The machine as it is. */
export function surroundings(toolsFolder: string): Surroundings {
  return {
    toolsFolder,
    works: (command, args) =>
      spawnSync(command, [...args], { stdio: 'ignore', timeout: 10_000 }).status === 0,
    install: installWithGo,
  };
}

async function installWithGo(toolsFolder: string): Promise<void> {
  const scratch = join(toolsFolder, `build-k6-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  try {
    await promisify(execFile)('go', ['install', `${K6_MODULE}@${K6_VERSION}`], {
      timeout: INSTALL_TIMEOUT_MS,
      env: { ...process.env, GOBIN: scratch },
    });
    if (!existsSync(join(scratch, 'k6'))) throw new Error('go built no program called k6');
    renameSync(join(scratch, 'k6'), join(toolsFolder, `k6-${K6_VERSION}`));
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr?.trim() || message).split('\n').at(-1);
    throw new NoEngineError(`k6 ${K6_VERSION} could not be built with Go: ${reason}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
